// Certified radii for mixtures of normal and uniform noise, N(0, σ²) and U[−λ, λ]. `docs/certificates.md` proves them.
import { normalCdf, normalQuantile } from "../math/special.ts";
import { roundedDown } from "./radii.ts";

/** The noise, in pixels of [0, 1], and the number of pixels times channels. */
export interface MixtureSize {
  readonly sigma: number;
  readonly bound: number;
  readonly dimensions: number;
}

/** An upper bound on the absolute error of `normalCdf` and of the sums below. */
const PROBABILITY_ERROR = 1e-13;

/** Φ(Φ⁻¹(p) − t): the smallest probability that p can become when normal noise moves by t standard deviations. */
const shiftedNormal = (p: number, t: number): number => normalCdf(normalQuantile(p) - t);

/**
 * The total variation between uniform noise and the same noise shifted by at most `radius` in ℓ2, where each coordinate is
 * uniform with probability `share`: at most 1 − (1 − share · r/(2λ√d))^d. Equal coordinates are the worst case for
 * share · r ≤ λ; for larger radii the bound is 1 for d > 1.
 */
function uniformShiftL2(radius: number, { bound, dimensions }: MixtureSize, share: number): number {
  const whole = radius / (2 * bound);
  if (dimensions === 1) return Math.min(1, share * whole);
  if (share * whole > 0.5) return 1;
  return -Math.expm1(dimensions * Math.log1p((-share * whole) / Math.sqrt(dimensions)));
}

/** The total variation between uniform noise and the same noise shifted by at most `radius` in ℓ1: min(1, r/2λ). */
const uniformShiftL1 = (radius: number, { bound }: MixtureSize): number =>
  Math.min(1, radius / (2 * bound));

/**
 * The largest r with `probability(r)` ≥ ½, for a decreasing function, by bisection from below; 0 if there is none. `most` is
 * an upper bound on r.
 */
function largestRadius(probability: (radius: number) => number, most: number): number {
  const holds = (radius: number) => probability(radius) - PROBABILITY_ERROR >= 0.5;
  if (!holds(0)) return 0;
  let [low, high] = [0, most];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return roundedDown(low);
}

/** An upper bound on every radius: ten standard deviations of normal noise and the whole width of uniform noise. */
const farAway = ({ sigma, bound }: MixtureSize): number => 40 * sigma + 2 * bound;

/**
 * One coin per image: the largest r with ½Φ(Φ⁻¹(p_N) − r/σ) + ½ max(0, p_U − t(r)) ≥ ½, in ℓ1 or ℓ2. `normal` and `uniform`
 * are lower bounds of the top class's probability under the two noises.
 *
 * @example
 * ```ts
 * import { mixImageRadius } from "rampart";
 *
 * const size = { sigma: 0.25, bound: 0.2, dimensions: 3072 };
 * console.log(mixImageRadius("l1", { normal: 0.9, uniform: 0.9 }, size));
 * ```
 */
export function mixImageRadius(
  norm: "l1" | "l2",
  { normal, uniform }: { readonly normal: number; readonly uniform: number },
  size: MixtureSize,
): number {
  const shift = (radius: number) =>
    norm === "l1" ? uniformShiftL1(radius, size) : uniformShiftL2(radius, size, 1);
  return largestRadius(
    (radius) =>
      shiftedNormal(normal, radius / size.sigma) / 2 + Math.max(0, uniform - shift(radius)) / 2,
    farAway(size),
  );
}

/** The probability q of the normal distribution in `mix`. */
const NORMAL_SHARE = 0.5;

/** A lower bound of the top class's probability at a distance of `radius`, by conditioning on the coins and Jensen. */
function mixProbability(norm: "l1" | "l2", p: number, radius: number, size: MixtureSize): number {
  const uniform = 1 - NORMAL_SHARE;
  const lost =
    norm === "l1" ? (uniform * radius) / (2 * size.bound) : uniformShiftL2(radius, size, uniform);
  return shiftedNormal(p, radius / size.sigma) - lost;
}

/** The density φ(Φ⁻¹(p)), the slope of p under normal noise of standard deviation 1. */
function normalSlope(p: number): number {
  const z = normalQuantile(p);
  return Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI);
}

/**
 * The steepest slope, per unit of ℓ1, of a probability u ≥ ½ under `mix`. Of one pixel, u = q·u_N + (1 − q)·u_U with u_U ≤ 1, and
 * |∂u| ≤ q φ(Φ⁻¹(u_N))/σ + (1 − q)/2λ, which is largest for the u_N nearest to ½.
 */
function steepestSlope(u: number, { sigma, bound }: MixtureSize): number {
  const atLeast = (u - (1 - NORMAL_SHARE)) / NORMAL_SHARE;
  return (
    (NORMAL_SHARE * normalSlope(Math.max(0.5, atLeast))) / sigma + (1 - NORMAL_SHARE) / (2 * bound)
  );
}

/** The number of steps of a sum that is a lower bound on an integral: the slope decreases, so left ends give lower values. */
const STEPS = 256;

/** A lower bound on ∫ du / steepestSlope(u) from ½ to p: the ℓ1 distance within which p cannot fall to ½. */
function slopeRadius(p: number, size: MixtureSize): number {
  if (!(p > 0.5)) return 0;
  // Up to ¾ the steepest slope is constant.
  const flat = Math.min(p, 0.75);
  const steps = p > flat ? STEPS : 0;
  let sum = (flat - 0.5) / steepestSlope(0.5, size);
  const width = (p - flat) / STEPS;
  for (let i = 0; i < steps; i++) sum += width / steepestSlope(flat + i * width, size);
  return sum;
}

/**
 * One coin per pixel (Eq. 15 of Araujo et al. 2019, arXiv:1903.10219). In ℓ2 the largest r with
 * Φ(Φ⁻¹(p) − r/σ) − (1 − (1 − (1 − q)r/(2λ√d))^d) ≥ ½. In ℓ1 the largest of s + slopeRadius(p_s) over s, where
 * p_s = Φ(Φ⁻¹(p) − s/σ) − (1 − q)s/2λ: the first bound holds up to s, the second one from there.
 *
 * @example
 * ```ts
 * import { mixRadius } from "rampart";
 *
 * console.log(mixRadius("l1", 0.9, { sigma: 0.25, bound: 0.2, dimensions: 3072 }));
 * ```
 */
export function mixRadius(norm: "l1" | "l2", p: number, size: MixtureSize): number {
  const whole = largestRadius((radius) => mixProbability(norm, p, radius, size), farAway(size));
  if (norm === "l2") return whole;
  let best = whole;
  for (let i = 0; i < 64; i++) {
    const first = (i / 64) * whole;
    const rest = slopeRadius(mixProbability("l1", p, first, size) - PROBABILITY_ERROR, size);
    best = Math.max(best, roundedDown(first + rest));
  }
  return best;
}
