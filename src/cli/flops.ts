import { is, topological, type Value } from "../graph/value.ts";
import { sizeOf } from "../math/tensor.ts";

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
