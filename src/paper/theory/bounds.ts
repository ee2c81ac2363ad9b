// Upper bounds on log₁₀ of the ratio in Theorem 1, and its limit per dimension as d → ∞. Orders are in [1, ∞].
import { cubeMoment, cubeSaddle } from "./cube.ts";
import { moments, saddleOfPair } from "./moments.ts";
import { equalVolumeRadius, limitOfMean, logVolume } from "./volume.ts";

/** The orders, the smaller one first. The ratio stays the same, since the volumes are equal. */
const sorted = (p: number, q: number) => (p < q ? [p, q] : [q, p]);

/** Eq. 10 as Table 1 uses it: −d⁻¹ (r₂ − 2d/3)², with r₂ instead of r₂², and 2/3 instead of E|x|² = 1/3. */
export const log10AsPrinted = (d: number): number =>
  -((equalVolumeRadius(d, 2, Number.POSITIVE_INFINITY) - (2 * d) / 3) ** 2) / d / Math.LN10;

/** Eq. 11 as printed, per dimension. */
export const slopeAsPrinted = -((2 / (Math.PI * Math.E) - 2 / 3) ** 2) / Math.LN10;

/**
 * Hoeffding's bound −2 d (E|x|ᵖ − rᵖ/d)² (1963, Theorem 2), with E|x|ᵖ = 1/(p + 1) for x uniform on [−1, 1]. Null if rᵖ/d is
 * not below this mean, or if neither ball is a cube, since coordinates are then not independent.
 */
export function log10Hoeffding(d: number, p: number, q: number): number | null {
  const [low, high] = sorted(p, q);
  if (low === high || high !== Number.POSITIVE_INFINITY) return null;
  const gap = 1 / (low + 1) - equalVolumeRadius(d, low, high) ** low / d;
  return gap > 0 ? (-2 * d * gap * gap) / Math.LN10 : null;
}

/** ln of the minimum of e^(ts) m(t)ᵈ over t ≥ 0, an upper bound on ln P(Σ|xᵢ|ᵖ ≤ s) in the cube. */
function logCubeBound(d: number, p: number, s: number): number {
  const t = cubeSaddle(d, p, s, 0);
  return t * s + d * Math.log(cubeMoment([t, 0], p)[0]);
}

/** ln of the minimum of e^(ua + v) M(u, v)ᵈ over u, v > 0, an upper bound on ln Vol{Σ|xᵢ|ᵖ ≤ a, Σ|xᵢ|^q ≤ 1}. */
function logPairBound(d: number, p: number, q: number, a: number): number {
  const { u, v } = saddleOfPair(d, p, q, a, 0);
  return u * a + v + d * moments(u, v, p, q).logM;
}

/**
 * Chernoff's bound (1952), the best exponential bound; for two finite orders it uses both constraints. Null if the bound on
 * the logarithm is 0 or more.
 */
export function log10Chernoff(d: number, p: number, q: number): number | null {
  const [low, high] = sorted(p, q);
  if (low === high) return null;
  const sum = equalVolumeRadius(d, low, high) ** low;
  if (high === Number.POSITIVE_INFINITY)
    return sum < d / (low + 1) ? logCubeBound(d, low, sum) / Math.LN10 : null;
  const bound = (logPairBound(d, low, high, sum) - logVolume(d, high)) / Math.LN10;
  return bound < 0 ? bound : null;
}

/** The limit of log₁₀(ratio) / d: Chernoff's bound is tight to first order (Cramér 1938). */
export function slopeOfRatio(p: number, q: number): number {
  const [low, high] = sorted(p, q);
  if (low === high) return 0;
  const mean = limitOfMean(low, high);
  if (high === Number.POSITIVE_INFINITY) return logCubeBound(1, low, mean) / Math.LN10;
  // The volume of {Σ|xᵢ|^q ≤ d} per dimension is the bound at u = 0, v = 1/q.
  const whole = 1 / high + moments(0, 1 / high, low, high).logM;
  return (logPairBound(1, low, high, mean) - whole) / Math.LN10;
}
