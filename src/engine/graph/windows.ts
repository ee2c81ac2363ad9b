// Builds the operators that slide a window over images [batch, channel, height, width]: convolutions and pooling.

import { elementCount, type Shape } from "../../math/tensor.ts";
import { matmul, node, reshape, sameType, transpose } from "./ops.ts";
import { convShape, convSpatial, poolShape } from "./shapes.ts";
import type { ConvAttributes, PoolAttributes, Value } from "./value.ts";

const text = (shape: Shape) => `[${shape.join(", ")}]`;

const DEFAULTS: ConvAttributes = {
  strides: [1, 1],
  pads: [0, 0, 0, 0],
  dilations: [1, 1],
  groups: 1,
};

/** Correlation of x [batch, in, height, width] with w [out, in / groups, rows, columns] → [batch, out, height, width]. */
export function conv(x: Value, w: Value, options: Partial<ConvAttributes> = {}): Value {
  const attrs = { ...DEFAULTS, ...options };
  return node("Conv", [x, w], attrs, sameType("Conv", x, w), convShape(x.shape, w.shape, attrs));
}

/**
 * Whether a kernel covers the whole image, as fully connected layers do that are exported as convolutions. Both gradients are
 * then matrix products, which need as many operations as the convolution; a convolution by the rotated kernel would need as
 * many for every pixel.
 */
const coversImage = (image: Shape, kernel: Shape, { pads, groups }: ConvAttributes): boolean =>
  groups === 1 && pads.every((n) => n === 0) && text(image) === text(kernel);

/** One row of numbers per element of the first axis. */
const rows = (v: Value): Value => reshape(v, [v.shape[0], elementCount(v.shape.slice(1))]);

/** ∂⟨conv(x, w), dy⟩/∂x, of shape `inputShape` [batch, in, height, width]. */
export function convInputGradient(
  dy: Value,
  w: Value,
  inputShape: Shape,
  attrs: ConvAttributes,
): Value {
  const expected = convShape(inputShape, w.shape, attrs);
  if (text(expected) !== text(dy.shape))
    throw new Error(
      `a gradient of ${text(dy.shape)} for a convolution that gives ${text(expected)}`,
    );
  if (coversImage(inputShape.slice(2), w.shape.slice(2), attrs))
    return reshape(matmul(rows(dy), rows(w)), inputShape);
  return node("ConvInputGradient", [dy, w], { ...attrs, inputShape }, dy.dtype, inputShape);
}

/** ∂⟨conv(x, w), dy⟩/∂w, of shape [out, in / groups, rows, columns]; `kernelShape` is [rows, columns]. */
export function convWeightGradient(
  x: Value,
  dy: Value,
  kernelShape: Shape,
  attrs: ConvAttributes,
): Value {
  const expected = convSpatial(x.shape.slice(2), kernelShape, attrs);
  if (text(expected) !== text(dy.shape.slice(2)))
    throw new Error(
      `a gradient of ${text(dy.shape)} for a convolution that gives ${text(expected)}`,
    );
  const shape = [dy.shape[1], x.shape[1] / attrs.groups, ...kernelShape];
  if (coversImage(x.shape.slice(2), kernelShape, attrs))
    return reshape(matmul(transpose(rows(dy), [1, 0]), rows(x)), shape);
  return node("ConvWeightGradient", [x, dy], { ...attrs, kernelShape }, x.dtype, shape);
}

/** Geometry of a window: stride 1, no padding and dilation 1 by default. */
type PoolOptions = Partial<PoolAttributes> & Pick<PoolAttributes, "kernel">;

const pool =
  (op: "MaxPool" | "MaxPoolIndices" | "AveragePool") =>
  (
    x: Value,
    { kernel, strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1] }: PoolOptions,
  ): Value => {
    const attrs = { kernel, strides, pads, dilations };
    const dtype = op === "MaxPoolIndices" ? "int64" : x.dtype;
    return node(op, [x], attrs, dtype, poolShape(x.shape, attrs));
  };

/** The maximum of each window of x [batch, channel, height, width]; padding counts as −∞. */
export const maxPool = pool("MaxPool");
/** The index of the maximum of each window in the flattened x; int64. The first on a tie. */
export const maxPoolIndices = pool("MaxPoolIndices");
/** The mean of each window of x [batch, channel, height, width]; padding counts as 0. */
export const averagePool = pool("AveragePool");
