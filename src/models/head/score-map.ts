// What a monotone map of one score is.

import type { Value } from "../../engine/graph/value.ts";

/** y = f(x), monotone where x can be. */
export interface ScoreMap {
  readonly inner: Value;
  /** What people call it; null for scaling, shifting and conversions, which go without saying. */
  readonly name: string | null;
  /** 1 where f increases, −1 where it decreases. */
  readonly direction: 1 | -1;
  /**
   * The number c such that f(x) > t exactly where x > c (or x < c, where f decreases); ±∞ where that holds always or
   * never.
   */
  readonly cut: (t: number) => number;
  /** Value of f at which its two sides meet, for maps onto an interval: ½ of a sigmoid, 0 of a hyperbolic tangent. */
  readonly middle: number | null;
  /** Bounds outside of which f is constant; null where it is strictly monotone. */
  readonly flat: { readonly low: number; readonly high: number } | null;
}

export const INFINITY = Number.POSITIVE_INFINITY;

/** A map by its parts. */
export function map(
  inner: Value,
  name: string | null,
  direction: 1 | -1,
  cut: (t: number) => number,
  more: Partial<Pick<ScoreMap, "middle" | "flat">> = {},
): ScoreMap {
  const { middle = null, flat = null } = more;
  return { inner, name, direction, cut, middle, flat };
}

export const signOf = (c: number): 1 | -1 => (c < 0 ? -1 : 1);

/** An inverse that exists between two values of f; below it f(x) > t always holds, above it never. */
export const between =
  (low: number, high: number, inverse: (t: number) => number, direction: 1 | -1 = 1) =>
  (t: number): number => {
    if (t < low) return -direction * INFINITY;
    return t >= high ? direction * INFINITY : inverse(t);
  };
