// Builds what moves a window over images [batch, channel, height, width]: convolutions and pooling.

import type { Shape } from "../../math/tensor.ts";
import { node, sameType } from "./ops.ts";
import { convShape, convSpatial, poolShape } from "./shapes.ts";
import type { ConvAttributes, PoolAttributes, Value } from "./value.ts";

const text = (shape: Shape) => `[${shape.join(", ")}]`;

const DEFAULTS: ConvAttributes = {
  strides: [1, 1],
  pads: [0, 0, 0, 0],
  dilations: [1, 1],
  groups: 1,
};

/** Correlation of x [batch, in, height, width] with w [out, in / groups, rows, columns]. */
export function conv(x: Value, w: Value, options: Partial<ConvAttributes> = {}): Value {
  const attrs = { ...DEFAULTS, ...options };
  return node("Conv", [x, w], attrs, sameType("Conv", x, w), convShape(x.shape, w.shape, attrs));
}

/** ∂⟨conv(x, w), dy⟩/∂x for an x of `inputShape`. */
export function convInputGradient(
  dy: Value,
  w: Value,
  inputShape: Shape,
  attrs: ConvAttributes,
): Value {
  const expected = convShape(inputShape, w.shape, attrs);
  if (text(expected) !== text(dy.shape))
    throw new Error(`gradient ${text(dy.shape)} where the convolution gives ${text(expected)}`);
  return node("ConvInputGradient", [dy, w], { ...attrs, inputShape }, dy.dtype, inputShape);
}

/** ∂⟨conv(x, w), dy⟩/∂w for a kernel of `kernelShape` [rows, columns]. */
export function convWeightGradient(
  x: Value,
  dy: Value,
  kernelShape: Shape,
  attrs: ConvAttributes,
): Value {
  const expected = convSpatial(x.shape.slice(2), kernelShape, attrs);
  if (text(expected) !== text(dy.shape.slice(2)))
    throw new Error(`gradient ${text(dy.shape)} where the convolution gives ${text(expected)}`);
  const shape = [dy.shape[1], x.shape[1] / attrs.groups, ...kernelShape];
  return node("ConvWeightGradient", [x, dy], { ...attrs, kernelShape }, x.dtype, shape);
}

/** A window and what is left of its attributes, which have defaults. */
type Pool = Partial<PoolAttributes> & Pick<PoolAttributes, "kernel">;

const pool =
  (op: "MaxPool" | "MaxPoolIndices" | "AveragePool") =>
  (
    x: Value,
    { kernel, strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1] }: Pool,
  ): Value => {
    const attrs = { kernel, strides, pads, dilations };
    const dtype = op === "MaxPoolIndices" ? "int64" : x.dtype;
    return node(op, [x], attrs, dtype, poolShape(x.shape, attrs));
  };

/** The largest element of each window; pads count as −∞. */
export const maxPool = pool("MaxPool");
/** Where the largest element of each window stands, counted through all of x; int64. */
export const maxPoolIndices = pool("MaxPoolIndices");
/** The mean of each window; pads count as zeros. */
export const averagePool = pool("AveragePool");
