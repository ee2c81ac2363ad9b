import type { NdArray, Shape } from "../../math/tensor.ts";
import { down, up } from "./rounding.ts";

/**
 * A box that contains an array: lower ≤ x ≤ upper, element by element in row-major order. Both bounds may be infinite and
 * are never NaN.
 */
export interface Interval {
  readonly shape: Shape;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** The box that holds one array only. */
export function pointInterval({ shape, data }: NdArray): Interval {
  const values = Float64Array.from(data as ArrayLike<number>, Number);
  return { shape, lower: values, upper: values };
}

/** Whether an interval holds one array only. */
export const isPoint = ({ lower, upper }: Interval): boolean =>
  lower === upper || lower.every((low, i) => low === upper[i]);

/** A centre and a radius, with |x − centre| ≤ radius for every x of the interval, element by element. */
export interface Centred {
  readonly centre: Float64Array;
  readonly radius: Float64Array;
}

/** An interval as centre and radius. The radius is rounded up, and is infinite where a bound is. */
export function centred({ lower, upper }: Interval): Centred {
  const centre = new Float64Array(lower.length);
  const radius = new Float64Array(lower.length);
  for (let i = 0; i < centre.length; i++) {
    if (lower[i] === upper[i]) {
      centre[i] = lower[i];
      continue;
    }
    const middle = lower[i] / 2 + upper[i] / 2;
    centre[i] = Number.isFinite(middle) ? middle : 0;
    radius[i] = up(Math.max(upper[i] - centre[i], centre[i] - lower[i]));
  }
  return { centre, radius };
}

/** max(|lower|, |upper|), element by element. */
export const magnitude = ({ lower, upper }: Interval): Float64Array =>
  lower.map((low, i) => Math.max(Math.abs(low), Math.abs(upper[i])));

/** An interval widened by an error on both sides, element by element. */
export const inflated = ({ shape, lower, upper }: Interval, error: Float64Array): Interval =>
  intervalOf(shape, lower.length, (i) => [down(lower[i] - error[i]), up(upper[i] + error[i])]);

/** The intersection of two intervals that contain the same array. */
export function intersection(a: Interval, b: Interval): Interval {
  return {
    shape: a.shape,
    lower: a.lower.map((low, i) => Math.max(low, b.lower[i])),
    upper: a.upper.map((high, i) => Math.min(high, b.upper[i])),
  };
}

/** The interval with bounds from a function of the element's index that returns [lower, upper]; NaN is unbounded. */
export function intervalOf(
  shape: Shape,
  size: number,
  at: (i: number) => readonly [number, number],
): Interval {
  const lower = new Float64Array(size);
  const upper = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const [low, high] = at(i);
    lower[i] = Number.isNaN(low) ? Number.NEGATIVE_INFINITY : low;
    upper[i] = Number.isNaN(high) ? Number.POSITIVE_INFINITY : high;
  }
  return { shape, lower, upper };
}

/** centre ± radius, rounded outward. */
export const around = (shape: Shape, centre: Float64Array, radius: Float64Array): Interval =>
  intervalOf(shape, centre.length, (i) => [down(centre[i] - radius[i]), up(centre[i] + radius[i])]);
