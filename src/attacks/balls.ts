// The geometry of ℓp, all that an attack needs to know about a norm.
import { laplace, normal, uniform } from "../math/distributions.ts";
import { foldAll, type Key } from "../math/random.ts";
import { clamp, rowSize, type Shape, type Tensor, tensor } from "../math/tensor.ts";
import { belowThreshold } from "./l1.ts";
import type { Norm } from "./victim.ts";

/** What an attack needs to know about the geometry of ℓp, and nothing else. Rows are examples. */
export interface Ball {
  /** The closest point with ‖δ‖ₚ ≤ epsilon, row by row. */
  project(delta: Tensor, epsilon: number): Tensor;
  /** argmax over ‖d‖ₚ ≤ 1 of ⟨gradient, d⟩; 0 for a row of zeros, and in ℓ∞ for each zero. */
  steepest(gradient: Tensor): Tensor;
  /** Uniform in the ball, one draw per key; shape is [keys, ...pixels]. */
  sample(keys: readonly Key[], shape: Shape, epsilon: number): Tensor;
  /** ‖δ‖ₚ of each row. */
  norm(delta: Tensor): number[];
}

/** `measure` of each row. */
const perRow = (x: Tensor, measure: (row: Float32Array) => number): number[] => {
  const row = rowSize(x);
  return Array.from({ length: x.shape[0] ?? 0 }, (_, i) =>
    measure(x.data.subarray(i * row, (i + 1) * row)),
  );
};

/** Each row times its own factor. */
const scaleRows = (x: Tensor, factors: readonly number[]): Tensor => {
  const row = rowSize(x);
  const data = new Float32Array(x.data.length);
  factors.forEach((factor, i) => {
    for (let j = i * row; j < (i + 1) * row; j++) data[j] = x.data[j] * factor;
  });
  return tensor(x.shape, data);
};

/** Each row as `fill` writes it into a row of zeros. */
const mapRows = (x: Tensor, fill: (row: Float32Array, out: Float32Array) => void): Tensor => {
  const row = rowSize(x);
  const data = new Float32Array(x.data.length);
  for (let at = 0; at < data.length; at += row)
    fill(x.data.subarray(at, at + row), data.subarray(at, at + row));
  return tensor(x.shape, data);
};

const maximum = (row: Float32Array): number =>
  row.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

// Squares are summed in double precision, where those of float32 neither overflow nor vanish.
const euclidean = (row: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += row[i] * row[i];
  return Math.sqrt(sum);
};

const linf: Ball = {
  project: (delta, epsilon) => clamp(delta, -epsilon, epsilon),
  steepest({ shape, data }) {
    const out = new Float32Array(data.length);
    for (let i = 0; i < out.length; i++) out[i] = Math.sign(data[i]);
    return tensor(shape, out);
  },
  sample: (keys, shape, epsilon) => uniform(keys, shape, -epsilon, epsilon),
  norm: (delta) => perRow(delta, maximum),
};

const l2: Ball = {
  project: (delta, epsilon) =>
    scaleRows(
      delta,
      l2.norm(delta).map((norm) => (norm > epsilon ? epsilon / norm : 1)),
    ),
  steepest: (gradient) =>
    scaleRows(
      gradient,
      l2.norm(gradient).map((norm) => (norm === 0 ? 0 : 1 / norm)),
    ),
  // A uniform direction (Muller 1959), at radius ε u^(1/d), since the volume within a radius grows as its d-th power.
  sample(keys, shape, epsilon) {
    const direction = l2.steepest(normal(foldAll(keys, 0), shape));
    const u = uniform(foldAll(keys, 1), [keys.length, 1]).data;
    const d = rowSize(direction);
    return scaleRows(
      direction,
      Array.from(u, (share) => epsilon * share ** (1 / d)),
    );
  },
  norm: (delta) => perRow(delta, euclidean),
};

const absolute = (row: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += Math.abs(row[i]);
  return sum;
};

const l1: Ball = {
  // Soft thresholding: every entry shrinks by the same amount, or to 0.
  project: (delta, epsilon) =>
    mapRows(delta, (row, out) => {
      const threshold = absolute(row) > epsilon ? belowThreshold(row, epsilon) : 0;
      for (let i = 0; i < row.length; i++)
        out[i] = Math.sign(row[i]) * Math.max(Math.abs(row[i]) - threshold, 0);
    }),
  // All of the step goes to one pixel, the first of those with the largest gradient.
  steepest: (gradient) =>
    mapRows(gradient, (row, out) => {
      let at = 0;
      for (let i = 1; i < row.length; i++) if (Math.abs(row[i]) > Math.abs(row[at])) at = i;
      out[at] = Math.sign(row[at]);
    }),
  // Laplace draws over the sum of their sizes and of one exponential more are uniform (Barthe et al. 2005, Theorem 1).
  sample(keys, shape, epsilon) {
    const draws = laplace(foldAll(keys, 0), shape);
    const more = laplace(foldAll(keys, 1), [keys.length, 1]).data;
    return scaleRows(
      draws,
      l1.norm(draws).map((size, i) => epsilon / (size + Math.abs(more[i]))),
    );
  },
  norm: (delta) => perRow(delta, absolute),
};

/** The ball of each norm. */
export const balls: { readonly [N in Norm]: Ball } = { linf, l2, l1 };
