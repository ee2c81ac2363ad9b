import { logGamma } from "../../math/special.ts";

/** ln Γ(1 + x) for x ≥ 0. Near x = 0, logGamma(1 + x) would lose digits to rounding. */
function logFactorial(x: number): number {
  if (x > 0.1) return logGamma(1 + x);
  // Σ (−1)ᵏ ζ(k) xᵏ / k without its part −ln(1 + x) + x (DLMF 5.7.3): 17 digits at x = 0.1.
  const zetaLessOne = [
    0.6449340668482264, 0.2020569031595943, 0.08232323371113819, 0.03692775514336993,
    0.01734306198444914, 0.008349277381922827, 0.004077356197944339, 0.0020083928260822143,
    9.945751278180853e-4, 4.941886041194645e-4, 2.460865533080483e-4, 1.2271334757848915e-4,
  ];
  const sum = zetaLessOne.reduceRight((rest, c, i) => c / (i + 2) - x * rest, 0);
  return -Math.log1p(x) + x * (1 - 0.5772156649015329) + x * x * sum;
}

/** ln Γ(1 + n/p) for n coordinates; 0 for p = ∞. */
const logGammaOf = (n: number, p: number): number =>
  p === Number.POSITIVE_INFINITY ? 0 : logFactorial(n / p);

/** The natural logarithm of the volume of the unit ℓp ball of ℝᵈ: (2 Γ(1 + 1/p))ᵈ / Γ(1 + d/p) (Dirichlet 1839). */
export const logVolume = (d: number, p: number): number =>
  d * (Math.LN2 + logGammaOf(1, p)) - logGammaOf(d, p);

/**
 * The radius of the ℓp ball in ℝᵈ with the volume of the unit ℓq ball; r₂(d) of §3.1 for p = 2 and q = ∞. Orders are in
 * [1, ∞].
 */
export const equalVolumeRadius = (d: number, p: number, q: number): number =>
  Math.exp(logGammaOf(1, q) - logGammaOf(1, p) + (logGammaOf(d, p) - logGammaOf(d, q)) / d);

/** The limit of ln Vol{Σ|xᵢ|ᵖ ≤ d} / d as d → ∞, by Stirling's formula; ln 2 for the cube, p = ∞. */
const logVolumeRate = (p: number): number =>
  Math.LN2 + logGammaOf(1, p) + (p === Number.POSITIVE_INFINITY ? 0 : (1 + Math.log(p)) / p);

/**
 * The limit of Σ|xᵢ|ᵖ / d on the surface of an ℓp ball as d → ∞. The ball has the volume of {Σ|xᵢ|^q ≤ d}, or for q = ∞ of
 * the cube [−1, 1]ᵈ. 2/(πe) for p = 2 and q = ∞, as in the proof of Theorem 1.
 */
export const limitOfMean = (p: number, q: number): number =>
  Math.exp(p * (logVolumeRate(q) - logVolumeRate(p)));
