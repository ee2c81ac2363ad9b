// Which node of a network makes a number that is not finite.
import { gradient } from "../engine/autodiff/gradient.ts";
import { constant, input, mul, scalarLike, sum } from "../engine/graph/ops.ts";
import { originOf } from "../engine/graph/origins.ts";
import { is, topological, type Value } from "../engine/graph/value.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { lossGraph, lossWeights } from "../losses/graph.ts";
import type { Loss } from "../losses/loss.ts";
import { sizeOf, type Tensor } from "../math/tensor.ts";
import type { Architecture, Parameters } from "./architecture.ts";
import { padded } from "./batch-size.ts";

/** Where an answer was not finite: x is [1, ...pixels]; the loss of one row, or null where the logits were asked for. */
export interface AskedAt {
  readonly x: Tensor;
  readonly loss: Loss | null;
}

/** The network's values at x, and for those of its gradient the value whose rule made them. */
interface Traced {
  readonly forward: ReadonlySet<Value>;
  readonly backward: ReadonlyMap<Value, Value>;
  readonly order: readonly Value[];
  readonly weights: Tensor | null;
}

/**
 * Names the first node that makes a number which is not finite from finite ones, going forward and then backward. Null if none
 * does at this point, or where values inside of the network cannot be had.
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
  // 0 times a number is 0, and NaN where that is not finite.
  const checks = values.map(
    (value, i) => [`v${i}`, sum(mul(value, scalarLike(value, 0)))] as const,
  );
  const program = await runtime.compile(Object.fromEntries(checks));
  const feeds: Record<string, Tensor> = { x: padded(x, batch) };
  if (weights !== null) feeds.weights = padded(weights, batch);
  try {
    const found = await program.run(feeds);
    const bad = new Set(values.filter((_, i) => Number(found[`v${i}`].data[0]) !== 0));
    const first = maker(order, forward, backward, bad);
    if (first === null) return null;
    return originOf(first) ?? first.op;
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

/** Whether a constant of the network holds a number that is not finite: −∞ in a mask is no fault. */
const isInfinite = (value: Value): boolean =>
  is(value, "Constant") &&
  sizeOf(value.shape) > 0 &&
  value.dtype === "float32" &&
  (value.attrs.array.data as Float32Array).some((one) => !Number.isFinite(one));

function maker(
  order: readonly Value[],
  forward: ReadonlySet<Value>,
  backward: ReadonlyMap<Value, Value>,
  bad: ReadonlySet<Value>,
): Value | null {
  const fresh = (among: (value: Value) => boolean) =>
    order.find(
      (value) =>
        bad.has(value) && among(value) && !value.inputs.some((one) => among(one) && bad.has(one)),
    );
  const ahead = order.find(
    (value) =>
      bad.has(value) &&
      forward.has(value) &&
      !value.inputs.some((one) => bad.has(one) || isInfinite(one)),
  );
  if (ahead !== undefined) return ahead;
  const back = fresh((value) => backward.has(value));
  if (back !== undefined) return backward.get(back) ?? null;
  return fresh((value) => forward.has(value)) ?? null;
}
