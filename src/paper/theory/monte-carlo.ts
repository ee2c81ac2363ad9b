import { uniform } from "../../math/distributions.ts";
import { fold, type Key } from "../../math/random.ts";
import { type Interval, wilson } from "../../math/statistics.ts";
import { UsageError } from "../../math/usage-error.ts";
import { equalVolumeRadius } from "./volume.ts";

/** The ℓp norm of x [dimension]. */
const norm = (x: Float32Array, p: number): number =>
  p === Number.POSITIVE_INFINITY
    ? x.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
    : x.reduce((sum, value) => sum + Math.abs(value) ** p, 0) ** (1 / p);

/**
 * Monte Carlo estimate of Vol(B_p ∩ B_q) / Vol(B_q) at equal volumes, with Wilson's interval. Draws `draws` points uniformly
 * from the cube around B_q; the estimate is the share of points of B_q that are in B_p. Orders are in [1, ∞]. Works in few
 * dimensions only if q is finite, since few points then fall into B_q. Throws `UsageError` if none does.
 *
 * @example
 * ```ts
 * import { keyOf, ratioByCounting } from "rampart";
 *
 * console.log(ratioByCounting(3, 2, Number.POSITIVE_INFINITY, { key: keyOf(0), draws: 10_000 }));
 * ```
 */
export function ratioByCounting(
  d: number,
  p: number,
  q: number,
  { key, draws, level }: { key: Key; draws: number; level?: number },
): Interval {
  const radius = equalVolumeRadius(d, p, q);
  const rows = Math.max(1, Math.min(draws, Math.floor(65536 / d)));
  let [inside, both] = [0, 0];
  for (let start = 0; start < draws; start += rows) {
    const { data } = uniform([fold(key, start)], [1, rows, d], -1, 1);
    for (let i = 0; i < Math.min(rows, draws - start); i++) {
      const x = data.subarray(i * d, (i + 1) * d);
      if (norm(x, q) > 1) continue;
      inside++;
      if (norm(x, p) <= radius) both++;
    }
  }
  if (inside === 0)
    throw new UsageError(
      `none of ${draws} draws fell into the unit ball of order ${q} in ${d} dimensions; count in fewer dimensions, or draw more`,
      { code: "bad-option" },
    );
  return wilson(both, inside, level);
}
