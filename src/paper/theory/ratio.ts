import { coneVolume } from "./cone.ts";
import { logShareOfCube } from "./cube.ts";
import { logPairVolume } from "./pair.ts";
import { equalVolumeRadius, logVolume } from "./volume.ts";

/**
 * log₁₀ of Vol(B_p ∩ B_q) / Vol(B_q) for two balls of ℝᵈ of equal volume, orders in [1, ∞] (Theorem 1 and its footnote).
 * Since the volumes are equal, p and q may be swapped. Has eight digits or more; fewer in few dimensions for two finite
 * orders that are close or both large, as `docs/theory.md` lists.
 */
export function log10Ratio(d: number, p: number, q: number): number {
  const [low, high] = p < q ? [p, q] : [q, p];
  if (low === high) return 0;
  const sum = equalVolumeRadius(d, low, high) ** low;
  if (high === Number.POSITIVE_INFINITY) return logShareOfCube(d, low, sum) / Math.LN10;
  const log = d <= 3 ? Math.log(coneVolume(d, low, high, sum)) : logPairVolume(d, low, high, sum);
  return (log - logVolume(d, high)) / Math.LN10;
}
