import { elementCount, type Shape } from "../../../math/tensor.ts";
import { isLowered, type Lowered } from "../../graph/lowered.ts";
import type { Builder } from "../builder.ts";

/**
 * The inputs of an elementwise operator without their Expands, since the operator broadcasts by itself. Keeps them if no
 * other input has the full shape, which the operator would then not know.
 */
export function withoutExpand(shape: Shape, inputs: readonly Lowered[]): readonly Lowered[] {
  const full = inputs.filter(
    (input) => !isLowered(input, "Expand") && input.shape.join() === shape.join(),
  );
  if (full.length === 0) return inputs;
  return inputs.map((input) => (isLowered(input, "Expand") ? input.inputs[0] : input));
}

/** Whether a value is a constant with a single element, 0. */
export const isConstantZero = (value: Lowered): boolean =>
  isLowered(value, "Constant") &&
  elementCount(value.shape) === 1 &&
  Number(value.attrs.array.data[0]) === 0;

/**
 * where(y > 0, dy, 0) for y = relu(x), as HardSigmoid(10³⁰ · y) · dy: this takes half the time of Where, and is equal for
 * every finite dy unless 0 < y < 10⁻³⁰. Null if `inputs`, those of a Where, are anything else.
 */
export function reluMask(b: Builder, inputs: readonly Lowered[]): Lowered | null {
  const [condition, dy, otherwise] = inputs;
  if (!isLowered(condition, "Greater") || !isConstantZero(otherwise) || dy.dtype !== "float32")
    return null;
  const [y, threshold] = condition.inputs;
  if (!isLowered(y, "Relu") || !isConstantZero(threshold)) return null;
  const mask = b.make("HardSigmoid", [y], { alpha: 1e30, beta: 0 }, y.dtype, y.shape);
  return b.make("Mul", withoutExpand(y.shape, [mask, dy]), {}, y.dtype, y.shape);
}
