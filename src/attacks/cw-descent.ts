// A step of Adam for C&W in WebAssembly, two pixels at a time: in JavaScript it takes as long as half of a small network's gradient.
// The loop below does the same, to the bit.

import {
  addresses,
  type Code,
  get,
  lane,
  load,
  loadHalf,
  machines,
  number,
  op,
  repeat,
  set,
  store,
  storeHalf,
  twice,
  type,
} from "../math/assembly.ts";

/** Where the arrays of a point lie in memory, in bytes: x, w, tanh, pixels, mean, square, and the slope of the step. */
export type Places = readonly [
  x: number,
  w: number,
  tanh: number,
  pixels: number,
  mean: number,
  square: number,
  slope: number,
];

/** What is the same for all pixels of a step. */
export interface Step {
  /** Of the slope in the gradient. */
  readonly weight: number;
  readonly learningRate: number;
  /** 1/(1 − β₁ᵗ) and 1/(1 − β₂ᵗ). */
  readonly unbiasMean: number;
  readonly unbiasSquare: number;
}

// tanh w = 1 − 2/(e^2w + 1), e^y = 2^k e^r with |r| ≤ ln 2 / 2 by its Taylor series, to 2e-16.
const { LOG2E } = Math;
/** ln 2 in two parts, the first of which has zeros at its end (Cody & Waite 1980). */
const [LN2, LN2_REST] = [0.6931471803691238, 1.9082149292705877e-10];
/** Added and taken away again, it rounds to whole numbers. */
const ROUND = 1.5 * 2 ** 52;
/** Beyond it tanh is ±1. */
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

/** The step in JavaScript, on arrays of `size` numbers (even) in `buffer`; ‖x′ − x‖₂² after it. */
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

/** Code for the same: parameters are the seven places, the number of pairs, and the four numbers of the step. */
function descend(): Code {
  const [x, w, tanh, pixels, mean, square, slope, pairs] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [weight, learningRate, unbiasMean, unbiasSquare] = [8, 9, 10, 11];
  const [at, g, m, v, t, y, k, total, center] = [12, 13, 14, 15, 16, 17, 18, 19, 20];
  const { add, sub, mul, div, sqrt, min, max, fromFloats, toFloats } = op.f64;
  const double = (place: number): Code => [...get(place), ...load()];
  const single = (place: number): Code => [...get(place), ...loadHalf(), ...fromFloats];
  const times = (factor: number): Code => [...twice(factor), ...mul];

  const gradient = [
    ...single(x),
    ...set(center),
    ...double(tanh),
    ...set(t),
    ...twice(2),
    ...single(pixels),
    ...get(center),
    ...sub,
    ...mul,
    ...number(weight),
    ...single(slope),
    ...mul,
    ...add,
    ...twice(1),
    ...get(t),
    ...get(t),
    ...mul,
    ...sub,
    ...mul,
    ...times(0.5),
    ...set(g),
  ];
  const adam = [
    ...double(mean),
    ...times(0.9),
    ...get(g),
    ...times(0.1),
    ...add,
    ...set(m),
    ...double(square),
    ...times(0.999),
    ...get(g),
    ...times(0.001),
    ...get(g),
    ...mul,
    ...add,
    ...set(v),
    ...get(mean),
    ...get(m),
    ...store(),
    ...get(square),
    ...get(v),
    ...store(),
    ...double(w),
    ...number(learningRate),
    ...get(m),
    ...mul,
    ...number(unbiasMean),
    ...mul,
    ...get(v),
    ...number(unbiasSquare),
    ...mul,
    ...sqrt,
    ...twice(1e-8),
    ...add,
    ...div,
    ...sub,
    ...set(at),
    ...get(w),
    ...get(at),
    ...store(),
  ];
  const exponential = [
    ...get(at),
    ...times(2),
    ...twice(MAX_EXPONENT),
    ...min,
    ...twice(-MAX_EXPONENT),
    ...max,
    ...set(y),
    ...get(y),
    ...times(LOG2E),
    ...twice(ROUND),
    ...add,
    ...set(k),
    // The lowest bits of k's own are the whole number, and become the exponent.
    ...get(k),
    ...twice(ROUND),
    ...sub,
    ...set(t),
    ...get(y),
    ...get(t),
    ...times(LN2),
    ...sub,
    ...get(t),
    ...times(LN2_REST),
    ...sub,
    ...set(y),
    ...twice(SERIES[12]),
    ...SERIES.slice(0, 12)
      .toReversed()
      .flatMap((term) => [...get(y), ...mul, ...twice(term), ...add]),
    ...get(k),
    0x41,
    52,
    ...op.i64.left,
    ...twice(1),
    ...op.i64.add,
    ...mul,
  ];
  const point = [
    ...set(t),
    ...twice(1),
    ...twice(2),
    ...get(t),
    ...twice(1),
    ...add,
    ...div,
    ...sub,
    ...set(t),
    ...get(tanh),
    ...get(t),
    ...store(),
    ...get(t),
    ...twice(1),
    ...add,
    ...times(0.5),
    ...toFloats,
    ...set(t),
    ...get(pixels),
    ...get(t),
    ...storeHalf(),
    ...get(t),
    ...fromFloats,
    ...get(center),
    ...sub,
    ...op.tee,
    t,
    ...get(t),
    ...mul,
    ...get(total),
    ...add,
    ...set(total),
  ];
  const singles = [x, pixels, slope].map((place) => [place, 8] as const);
  const doubles = [w, tanh, mean, square].map((place) => [place, 16] as const);
  return [
    ...repeat(pairs, [...singles, ...doubles], [...gradient, ...adam, ...exponential, ...point]),
    ...get(total),
    ...lane(0),
    ...get(total),
    ...lane(1),
    ...op.addDouble,
  ];
}

/** Makes memory with the step in WebAssembly; null where that is not to be had. */
export const descents = machines(() => ({
  descend: {
    parameters: [...addresses(8), ...Array.from({ length: 4 }, () => type.f64)],
    results: [type.f64],
    vectors: 9,
    code: descend(),
  },
}));
