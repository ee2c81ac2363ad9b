import { gradient } from "../engine/autodiff/gradient.ts";
import { input, sum } from "../engine/graph/ops.ts";
import { is, topological, type Value } from "../engine/graph/value.ts";
import { crossEntropy } from "../losses/ce.ts";
import { sizeOf } from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";

/**
 * Floating-point operations of the convolutions and matrix products that `outputs` need, each multiplication and
 * addition counted as one, as the direct algorithm would do them: a faster algorithm still has this count.
 */
export const flopsOf = (outputs: readonly Value[]): number =>
  topological<Value>(outputs).reduce((total, value) => total + 2 * products(value), 0);

/** Multiplications of one node; both gradients of a convolution need as many as the convolution itself. */
function products(value: Value): number {
  const [a, b] = value.inputs;
  if (is(value, "Conv")) return sizeOf(value.shape) * sizeOf(b.shape.slice(1));
  if (is(value, "ConvInputGradient")) return sizeOf(a.shape) * sizeOf(b.shape.slice(1));
  if (is(value, "ConvWeightGradient")) return sizeOf(b.shape) * sizeOf(value.shape.slice(1));
  if (is(value, "MatMul")) return sizeOf(value.shape) * a.shape[a.shape.length - 1];
  return 0;
}

/** What one image costs, in floating-point operations. */
export interface FlopsPerImage {
  /** Logits of the frozen network. */
  readonly forward: number;
  /** Loss and ∂L/∂x of the frozen network: one step of an attack. */
  readonly gradient: number;
  /** Loss and ∂L/∂weights in batch mode: its share of a training step. */
  readonly step: number;
}

/** The cost of an architecture's three kinds of work, from its graphs. */
export function flopsPerImage(network: Architecture): FlopsPerImage {
  const lossOf = (mode: "frozen" | "batch") => {
    const leaves = new Map(
      network.parameters.map(({ name, shape, trainable }) => [
        name,
        { leaf: input(name, shape), trainable },
      ]),
    );
    const leaf = (name: string) => leaves.get(name)?.leaf ?? input(name, []);
    const x = input("x", [1, ...network.inputShape]);
    const { logits } = network.forward(x, leaf, mode);
    const loss = sum(crossEntropy(logits, input("labels", logits.shape)));
    const weights = [...leaves.values()].flatMap((one) => (one.trainable ? one.leaf : []));
    return { logits, loss, x, weights };
  };
  const frozen = lossOf("frozen");
  const batch = lossOf("batch");
  return {
    forward: flopsOf([frozen.logits]),
    gradient: flopsOf([frozen.loss, ...gradient(frozen.loss, [frozen.x])]),
    step: flopsOf([batch.loss, ...gradient(batch.loss, batch.weights)]),
  };
}
