// Monotone maps of one score.

import type { Value } from "../../engine/graph/value.ts";

/** y = f(x) for each element x of `inner`, with f monotone on the range of x. */
export interface ScoreMap {
  readonly inner: Value;
  /** The name for messages; null for scaling, shifting and conversions, which messages omit. */
  readonly name: string | null;
  /** 1 where f increases, −1 where it decreases. */
  readonly direction: 1 | -1;
  /**
   * Moves a threshold through f: f(x) > t exactly if x > cut(t), or x < cut(t) if f decreases. ±∞ if f(x) > t holds
   * always or never.
   */
  readonly cut: (t: number) => number;
  /** The centre of the range of f, for maps onto an interval: ½ for a sigmoid, 0 for a hyperbolic tangent. */
  readonly middle: number | null;
  /** Bounds on x outside of which f is constant; null if f is strictly monotone. */
  readonly flat: { readonly low: number; readonly high: number } | null;
}

/** +∞, the `cut` of a threshold that no score reaches. */
export const INFINITY = Number.POSITIVE_INFINITY;

/** A map of each element of `inner`, from its parts; `middle` and `flat` are null by default. */
export function scoreMap(
  inner: Value,
  name: string | null,
  direction: 1 | -1,
  cut: (t: number) => number,
  { middle = null, flat = null }: Partial<Pick<ScoreMap, "middle" | "flat">> = {},
): ScoreMap {
  return { inner, name, direction, cut, middle, flat };
}

/** The direction of x ↦ c·x. */
export const signOf = (c: number): 1 | -1 => (c < 0 ? -1 : 1);

/**
 * The `cut` of a map onto (low, high): f(x) > t always holds below, never above, and from the inverse of f in between.
 */
export const cutBetween =
  (low: number, high: number, inverse: (t: number) => number, direction: 1 | -1 = 1) =>
  (t: number): number => {
    if (t < low) return -direction * INFINITY;
    return t >= high ? direction * INFINITY : inverse(t);
  };
