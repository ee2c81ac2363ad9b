// Sums of products in float32: sizes and counts of what is rounded.

import { elementCount, type Shape } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { is, type Value } from "../graph/value.ts";
import type { Interval } from "./interval.ts";
import { intervalOfNode } from "./interval-rules.ts";
import { gamma, up } from "./rounding.ts";

/** Assumed of the float32 kernels of Exp, Log, Tanh, Sigmoid, Erf, Sin, Cos and Atan: |error| ≤ KERNEL · max(1, |y|). */
export const KERNEL = 2 ** -20;
/** Assumed of Sqrt: the relative error. */
export const ROOT = 2 ** -22;

/**
 * Added to all magnitudes. The rounding unit times the square of TINY is 2⁻¹²⁴, and float32 products and sums lose at
 * most 2⁻¹²⁶ where denormal numbers count as 0.
 */
export const TINY = 2 ** -50;
/** What one float32 product loses at most where denormal numbers count as 0. */
export const UNDERFLOW = 2 ** -126;
/** Above this a float32 may overflow, and nothing is known. */
export const LARGEST = 2 ** 127;
/** Roundings that folded constants, biases and changes of order add to each sum. */
export const EXTRA = 8;
/** Roundings of Winograd's transforms: 9 products of the weights, 4 pixels, 9 products of the output, and signs. */
export const TRANSFORMS = 40;

/** Sums of products. */
export const SUMS: ReadonlySet<string> = new Set(["Conv", "MatMul", "AveragePool", "ReduceSum"]);
/** Operators that become part of the sum before them. */
export const JOINED: ReadonlySet<string> = new Set(["Add", "Sub", "Neg", "Mul"]);
export const KERNELS: ReadonlySet<string> = new Set(
  "Exp Log Tanh Sigmoid Erf Sin Cos Atan Pow Softmax LogSoftmax".split(" "),
);
/** Operators with one correctly rounded result each, or nearly. */
export const ROUNDED: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div", "Sqrt", "Cast"]);

/** Sizes of a 3×3 convolution: x [·, into, height, width], w [out, into, 3, 3]. */
export interface Conv3x3 {
  readonly into: number;
  readonly out: number;
  readonly height: number;
  readonly width: number;
}

/** A sum: Σ of absolute values, how often each summand is rounded at most, and a bound of all other errors. */
export interface Sum {
  readonly size: Float64Array;
  readonly roundings: number;
  readonly other: Float64Array;
  /** What each element loses where a product of folded scales underflows; a small scale behind makes it no smaller. */
  readonly underflow: number;
}

const point = (shape: Shape, values: Float64Array): Interval => ({
  shape,
  lower: values,
  upper: values,
});

/** A node's operator on arrays that are not negative, rounded up. */
export const applied = (node: Value, inputs: readonly Float64Array[]): Float64Array =>
  intervalOfNode(
    node,
    inputs.map((values, i) => point(node.inputs[i].shape, values)),
  ).upper;

export const plus = (a: Float64Array, b: Float64Array): Float64Array =>
  a.map((v, i) => up(v + b[i]));
export const zeros = (length: number): Float64Array => new Float64Array(length);

export const isJoinable = ({ op }: Value): boolean => SUMS.has(op) || JOINED.has(op);

/** γ·size + other + underflow; infinite where a float32 may overflow. */
export const errorOf = ({ size, roundings, other, underflow }: Sum): Float64Array => {
  const factor = gamma(roundings, "float32");
  return size.map((v, i) =>
    v < LARGEST ? up(up(up(factor * v) + other[i]) + underflow) : Number.POSITIVE_INFINITY,
  );
};

/** |x|·error(w) + error(x)·(|w| + error(w)), in the node's products. */
export function errorOfProduct(
  node: Value,
  sizes: readonly Float64Array[],
  others: readonly Float64Array[],
  length: number,
): Float64Array {
  let total = zeros(length);
  if (node.inputs.length === 1) return others[0].some(isPositive) ? applied(node, others) : total;
  const [[x, w], [dx, dw]] = [sizes, others];
  if (dw.some(isPositive)) total = plus(total, applied(node, [x, dw]));
  if (dx.some(isPositive)) total = plus(total, applied(node, [dx, plus(w, dw)]));
  return total;
}

const isPositive = (v: number): boolean => v > 0;

/** The number of products that one element sums. */
export function termsOf(node: Value): number {
  const [x, w] = node.inputs;
  if (is(node, "Conv")) return elementCount(w.shape.slice(1));
  if (is(node, "MatMul")) return x.shape[x.shape.length - 1];
  if (is(node, "AveragePool")) return elementCount(node.attrs.kernel);
  return elementCount(x.shape) / elementCount(node.shape);
}

export const sizesOf = ({ inputs: [x], shape }: Value<"Conv">): Conv3x3 => ({
  into: x.shape[1],
  out: shape[1],
  height: shape[2],
  width: shape[3],
});

/** Whether a convolution has a form by F(2×2, 3×3): a 3×3 kernel, stride 1, padding 1, no groups. */
export const hasWinograd = ({ inputs: [, w], attrs }: Value<"Conv">): boolean =>
  w.shape[2] === 3 &&
  w.shape[3] === 3 &&
  attrs.groups === 1 &&
  [...attrs.strides, ...attrs.dilations, ...attrs.pads].every((n) => n === 1);

/**
 * Σ |Aᵀ| (|G||w||Gᵀ| ⊙ |Bᵀ||x||B|) |A|. Each row of Bᵀ has two entries ±1, and each row of |Aᵀ||G| sums the taps with
 * factors of at most 2. So it is at most 16 times the sum of all taps times the largest of the 5×5 pixels around.
 */
export function winogradSize(
  { inputs: [x, w] }: Value<"Conv">,
  [pixels, weights]: readonly Float64Array[],
): Float64Array {
  const around = { kernel: [5, 5], strides: [1, 1], pads: [2, 2, 2, 2] };
  const taps = new Float64Array(weights.length / 9);
  for (const [i, v] of weights.entries()) {
    const pair = Math.floor(i / 9);
    taps[pair] = up(taps[pair] + 16 * v);
  }
  const pool = g.maxPool(g.input("x", x.shape, "float64"), around);
  const summed = g.conv(pool, g.input("w", [w.shape[0], w.shape[1], 1, 1], "float64"));
  return applied(summed, [applied(pool, [pixels]), taps]);
}
