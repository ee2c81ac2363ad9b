// The layers of our own networks, as expressions. Images and features are [batch, channel, height, width].

import {
  add,
  constant,
  div,
  matmul,
  mean,
  mul,
  reshape,
  scalarLike,
  sqrt,
  stopGradient,
  sub,
  transpose,
} from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { conv } from "../engine/graph/windows.ts";
import { elementCount, tensor } from "../math/tensor.ts";
import type { Mode } from "./architecture.ts";

/** Added to variances; PyTorch's default. */
const EPSILON = 1e-5;
/** The weight of a batch's statistics in the running ones; PyTorch's default. */
const MOMENTUM = 0.1;

/** A vector [channel] as [1, channel, 1, 1]. */
const channelwise = (v: Value) => reshape(v, [1, elementCount(v.shape), 1, 1]);

/** (x − mean) / std per channel of x [batch, channel, height, width]. Part of the network, so that radii are in units of pixels in [0, 1]. */
export function normalize(x: Value, mean: readonly number[], std: readonly number[]): Value {
  const vector = (values: readonly number[]) => constant(tensor([1, values.length, 1, 1], values));
  return mul(sub(x, vector(mean)), vector(std.map((s) => 1 / s)));
}

/** Running statistics [channel] after a batch whose own are `factor` times `current`. */
export const blended = (running: Value, current: Value, factor = 1): Value =>
  add(
    mul(running, scalarLike(running, 1 - MOMENTUM)),
    mul(reshape(current, running.shape), scalarLike(running, MOMENTUM * factor)),
  );

/** A batch norm's parameters and running statistics, each [channel]. */
export interface BatchNormArrays {
  readonly scale: Value;
  readonly bias: Value;
  readonly mean: Value;
  readonly variance: Value;
}

/**
 * Batch normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167) of x [batch, channel, height, width]. Batch mode
 * normalises by the batch's own statistics and returns updated running ones, with PyTorch's momentum and unbiased
 * variance; frozen mode normalises by the running ones.
 */
export function batchNorm(
  x: Value,
  { scale, bias, mean: runningMean, variance: runningVariance }: BatchNormArrays,
  mode: Mode,
): { readonly y: Value; readonly mean: Value; readonly variance: Value } {
  const inverse = (variance: Value) =>
    div(scalarLike(x, 1), sqrt(add(variance, scalarLike(x, EPSILON))));
  if (mode === "frozen") {
    const s = mul(scale, inverse(runningVariance));
    const t = sub(bias, mul(runningMean, s));
    const y = add(mul(x, channelwise(s)), channelwise(t));
    return { y, mean: runningMean, variance: runningVariance };
  }
  const axes = [0, 2, 3];
  const m = mean(x, axes, true);
  // The variance is centred on m̂ = stopGradient(m). Its gradient is still exact: the missing term is that of (m −
  // m̂)², which
  // is 0 at m = m̂. The gradient of y through the mean flows through `zero`, whose value is 0.
  const centre = stopGradient(m);
  const centred = sub(x, centre);
  const zero = sub(m, centre);
  const v = mean(mul(centred, centred), axes, true);
  const s = mul(channelwise(scale), inverse(v));
  const y = add(mul(centred, s), sub(channelwise(bias), mul(zero, s)));

  const count = x.shape[0] * x.shape[2] * x.shape[3];
  return {
    y,
    mean: blended(runningMean, m),
    variance: blended(runningVariance, v, count / Math.max(count - 1, 1)),
  };
}

/**
 * Convolution of x with an odd square kernel w [out, in, k, k], padded so that height and width are those of x / stride,
 * rounded up.
 */
export const convSame = (x: Value, w: Value, stride = 1): Value => {
  const p = (w.shape[2] - 1) / 2;
  return conv(x, w, { strides: [stride, stride], pads: [p, p, p, p] });
};

/** The mean over all pixels: [batch, channel, height, width] → [batch, channel]. */
export const globalAveragePool = (x: Value): Value => mean(x, [2, 3]);

/** x [batch, in] · weightᵀ + bias → [batch, out], with weight [out, in] as PyTorch stores it. */
export const linear = (x: Value, weight: Value, bias: Value): Value =>
  add(matmul(x, transpose(weight, [1, 0])), bias);
