// Finds the node of a network that produces the first non-finite number.
import { gradient } from "../engine/autodiff/gradient.ts";
import { constant, input, mul, scalarLike, sum } from "../engine/graph/ops.ts";
import { originOf } from "../engine/graph/origins.ts";
import { is, topological, type Value } from "../engine/graph/value.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { lossGraph, lossWeights } from "../losses/graph.ts";
import type { Loss } from "../losses/loss.ts";
import { elementCount, type Tensor } from "../math/tensor.ts";
import type { Architecture, Parameters } from "./architecture.ts";
import { padded } from "./batch-size.ts";

/** The question whose answer was not finite: one image x [1, ...pixels], and its loss, or null for its logits. */
export interface AskedAt {
  readonly x: Tensor;
  readonly loss: Loss | null;
}

/** The values of a network and of its gradient. */
interface Traced {
  readonly forward: ReadonlySet<Value>;
  /** Values of the gradient, each with the forward value whose gradient rule made it. */
  readonly backward: ReadonlyMap<Value, Value>;
  /** All values, inputs before users. */
  readonly order: readonly Value[];
  /** The weights [examples, classes] of the loss; null without a loss. */
  readonly weights: Tensor | null;
}

/**
 * Names the first node that makes a number that is not finite from finite ones, in the forward pass and then in the
 * backward pass: the file's name of the node, or its operator. Null if no node does so at this image.
 */
export async function nonFiniteNode(
  runtime: Runtime,
  architecture: Architecture,
  parameters: Parameters,
  { x, loss }: AskedAt,
): Promise<string | null> {
  const batch = architecture.fixedBatch ?? 1;
  const { forward, backward, order, weights } = traced(architecture, parameters, batch, loss);
  const values = order.filter(
    (value) => value.dtype === "float32" && !is(value, "Constant") && !is(value, "Input"),
  );
  // Σ 0·v is 0 if all elements of v are finite, and NaN otherwise.
  const checks = values.map(
    (value, i) => [`v${i}`, sum(mul(value, scalarLike(value, 0)))] as const,
  );
  const program = await runtime.compile(Object.fromEntries(checks));
  const feeds: Record<string, Tensor> = { x: padded(x, batch) };
  if (weights !== null) feeds.weights = padded(weights, batch);
  try {
    const sums = await program.run(feeds);
    const bad = new Set(values.filter((_, i) => Number(sums[`v${i}`].data[0]) !== 0));
    const first = firstBad(order, forward, backward, bad);
    return first === null ? null : (originOf(first) ?? first.op);
  } finally {
    await program.release();
  }
}

function traced(
  architecture: Architecture,
  parameters: Parameters,
  batch: number,
  loss: Loss | null,
): Traced {
  const { inputShape, classes } = architecture;
  const x = input("x", [batch, ...inputShape]);
  const { logits } = architecture.forward(x, (name) => constant(parameters[name]), "frozen");
  const forward = new Set(topological<Value>([logits]));
  const backward = new Map<Value, Value>();
  if (loss === null) return { forward, backward, order: [...forward], weights: null };
  const weights = lossWeights(loss, classes);
  const losses = lossGraph(loss).losses(logits, input("weights", [batch, classes]));
  const inLoss = new Set(topological<Value>([losses]));
  // Attributes each value that a gradient rule adds to the forward node of that rule.
  const [dx] = gradient(sum(losses), [x], (node, part) => {
    const stack = [part];
    for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
      if (backward.has(value) || inLoss.has(value)) continue;
      backward.set(value, node);
      stack.push(...value.inputs);
    }
  });
  return { forward, backward, order: topological<Value>([losses, dx]), weights };
}

/** Whether a value is a constant with a number that is not finite, such as the −∞ of a mask. These are allowed. */
const isInfinite = (value: Value): boolean =>
  is(value, "Constant") &&
  elementCount(value.shape) > 0 &&
  value.dtype === "float32" &&
  (value.attrs.array.data as Float32Array).some((one) => !Number.isFinite(one));

/**
 * The forward value behind the first fault. A value is at fault if it is bad and its inputs are not. Looks among forward
 * values without infinite constants as inputs, then among values of the gradient, then among all forward values.
 */
function firstBad(
  order: readonly Value[],
  forward: ReadonlySet<Value>,
  backward: ReadonlyMap<Value, Value>,
  bad: ReadonlySet<Value>,
): Value | null {
  const firstAmong = (isCandidate: (value: Value) => boolean) =>
    order.find(
      (value) =>
        bad.has(value) &&
        isCandidate(value) &&
        !value.inputs.some((input) => isCandidate(input) && bad.has(input)),
    );
  const inForward = order.find(
    (value) =>
      bad.has(value) &&
      forward.has(value) &&
      !value.inputs.some((input) => bad.has(input) || isInfinite(input)),
  );
  if (inForward !== undefined) return inForward;
  const inBackward = firstAmong((value) => backward.has(value));
  if (inBackward !== undefined) return backward.get(inBackward) ?? null;
  return firstAmong((value) => forward.has(value)) ?? null;
}
