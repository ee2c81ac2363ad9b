// A step of Adam for C&W in WebAssembly, two pixels at a time. In JavaScript it takes half as long as a small network's
// gradient. The source, assembly/cw-descent.ts, gives the same bits as the loop below.

import { instances } from "../math/wasm.ts";
import { wasm } from "./cw-descent.wasm.ts";

/**
 * Addresses, in bytes, of the arrays of a point, one number per pixel: x, pixels and slope are float32, the others doubles.
 * `mean` and `square` are Adam's; `slope` is ∂g/∂pixels.
 */
export type Places = readonly [
  x: number,
  w: number,
  tanh: number,
  pixels: number,
  mean: number,
  square: number,
  slope: number,
];

/** Numbers of a step that all pixels share. */
export interface Step {
  /** Weight of g in the loss. */
  readonly weight: number;
  readonly learningRate: number;
  /** 1/(1 − β₁ᵗ) and 1/(1 − β₂ᵗ). */
  readonly unbiasMean: number;
  readonly unbiasSquare: number;
}

// The constants are also in assembly/cw-descent.ts.
// tanh w = 1 − 2/(e^2w + 1), e^y = 2^k e^r with |r| ≤ ln 2 / 2 by its Taylor series, to 2e-16.
const { LOG2E } = Math;
/** ln 2 in two parts, the first of which ends in zeros (Cody & Waite 1980). */
const [LN2, LN2_REST] = [0.6931471803691238, 1.9082149292705877e-10];
/** Adding and then subtracting this number rounds to integers. */
const ROUND = 1.5 * 2 ** 52;
/** tanh is ±1 beyond half of this number. */
const MAX_EXPONENT = 44;
const SERIES = Array.from({ length: 13 }, (_, n) =>
  Array.from({ length: n }, (_, i) => i + 1).reduce((product, i) => product * i, 1),
).map((factorial) => 1 / factorial);
const POWERS = Float64Array.from({ length: 129 }, (_, i) => 2 ** (i - 64));

/** tanh of any number, to 4e-16. */
export function tanhOf(w: number): number {
  const y = Math.max(-MAX_EXPONENT, Math.min(MAX_EXPONENT, 2 * w));
  const k = y * LOG2E + ROUND - ROUND;
  const r = y - k * LN2 - k * LN2_REST;
  let e = SERIES[12];
  for (let n = 11; n >= 0; n--) e = e * r + SERIES[n];
  return 1 - 2 / (e * POWERS[k + 64] + 1);
}

/** The step in JavaScript, on arrays of `size` numbers (even) in `buffer`; returns ‖x′ − x‖₂² after the step. */
export function descendInLoop(
  buffer: ArrayBuffer,
  places: Places,
  size: number,
  { weight, learningRate, unbiasMean, unbiasSquare }: Step,
): number {
  const [x, pixels, slope] = [places[0], places[3], places[6]].map(
    (place) => new Float32Array(buffer, place, size),
  );
  const [w, tanh, mean, square] = [places[1], places[2], places[4], places[5]].map(
    (place) => new Float64Array(buffer, place, size),
  );
  const sums = [0, 0];
  for (let i = 0; i < size; i++) {
    const t = tanh[i];
    const atPixel = 2 * (pixels[i] - x[i]) + weight * slope[i];
    const g = (atPixel * (1 - t * t)) / 2; // ∂x′/∂w = (1 − tanh² w)/2
    const m = 0.9 * mean[i] + 0.1 * g;
    const v = 0.999 * square[i] + 0.001 * g * g;
    mean[i] = m;
    square[i] = v;
    w[i] -= (learningRate * m * unbiasMean) / (Math.sqrt(v * unbiasSquare) + 1e-8);
    tanh[i] = tanhOf(w[i]);
    pixels[i] = (tanh[i] + 1) / 2;
    const delta = pixels[i] - x[i];
    sums[i & 1] += delta * delta;
  }
  return sums[0] + sums[1];
}

interface Kernels {
  /** `descendInLoop` on addresses of 2 · pairs numbers. */
  descend(
    x: number,
    w: number,
    tanh: number,
    pixels: number,
    mean: number,
    square: number,
    slope: number,
    pairs: number,
    weight: number,
    learningRate: number,
    unbiasMean: number,
    unbiasSquare: number,
  ): number;
}

/** Instantiates the step with at least `bytes` of memory; null without SIMD. */
export const descents = instances<Kernels>(wasm);
