// Outward rounding without access to the rounding mode of the processor.

/** The unit roundoff of float64 and float32: half the distance from 1 to its upper neighbour. */
export const UNIT = { float64: 2 ** -53, float32: 2 ** -24 } as const;

/** The types that bounds are computed in. */
export type FloatType = keyof typeof UNIT;

const UNBOUNDED = Number.POSITIVE_INFINITY;

/**
 * A double at least as large as every real number that a correctly rounded operation maps to x. The added term is at
 * least one unit in the last place of x, and addition is monotone. +∞ for NaN; a finite number for −∞, which stands for
 * an overflow.
 */
export function up(x: number): number {
  if (x === Number.NEGATIVE_INFINITY) return -Number.MAX_VALUE;
  if (Number.isNaN(x)) return UNBOUNDED;
  return x + (Math.abs(x) * 2 ** -52 + Number.MIN_VALUE);
}

/** A double at most as large as every real number that a correctly rounded operation maps to x. −∞ for NaN. */
export const down = (x: number): number => -up(-x);

/**
 * γₙ = n·u / (1 − n·u): the relative error of a sum of n products in any order, with or without fused operations (Higham
 * 2002, Accuracy and Stability of Numerical Algorithms, §3.1). Rounded up; infinite if n·u ≥ 1/2.
 */
export function gamma(n: number, type: FloatType): number {
  const nu = n * UNIT[type];
  return nu < 0.5 ? (nu / (1 - nu)) * (1 + 2 ** -40) : UNBOUNDED;
}
