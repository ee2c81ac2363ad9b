// Certified radii of classifiers that average over noise with independent parts. `p` is a lower bound of the probability of
// the top class. A radius is 0 for p ≤ ½. `docs/certificates.md` derives the radii without a citation.
import { normalQuantile } from "../math/special.ts";

/** Certified radii in pixels of [0, 1] by norm. */
export interface Radii {
  readonly l2: number;
  readonly l1: number;
  readonly linf: number;
}

/** The norms of certificates, in the order of `Radii`. */
export const certifiedNorms = ["l2", "l1", "linf"] as const;
export type CertifiedNorm = (typeof certifiedNorms)[number];

/** No radius: the certifier abstained. */
export const noRadii: Radii = { l2: 0, l1: 0, linf: 0 };

/** The relative rounding error of the formulas below; results are lowered by this. */
const ROUNDING = 1e-12;

/** A radius of at least 0 and below the exact radius; 0 for NaN. */
export const roundedDown = (radius: number): number => (radius > 0 ? radius * (1 - ROUNDING) : 0);

/**
 * ℓ2, normal noise of standard deviation σ: σ Φ⁻¹(p) (Cohen et al. 2019, arXiv:1902.02918, Theorem 1). Tight.
 *
 * @example
 * ```ts
 * import { normalL2 } from "rampart";
 *
 * console.log(normalL2(0.9, 0.25)); // the radius for a class of probability 0.9
 * ```
 */
export const normalL2 = (p: number, sigma: number): number =>
  roundedDown(sigma * normalQuantile(p));

/**
 * ℓ1, Laplace noise of scale λ: −λ ln(2(1 − p)) (Teng et al. 2020; Yang et al. 2020, arXiv:2002.08118). Tight.
 *
 * @example
 * ```ts
 * import { laplaceL1 } from "rampart";
 *
 * console.log(laplaceL1(0.9, 0.25)); // the radius for a class of probability 0.9
 * ```
 */
export const laplaceL1 = (p: number, scale: number): number =>
  roundedDown(-scale * Math.log(2 * (1 - p)));

/**
 * ℓ1, uniform noise in [−λ, λ]: 2λ(p − ½) (Lee et al. 2019, arXiv:1906.04948; Yang et al. 2020, arXiv:2002.08118). Tight.
 *
 * @example
 * ```ts
 * import { uniformL1 } from "rampart";
 *
 * console.log(uniformL1(0.9, 0.2)); // the radius for a class of probability 0.9
 * ```
 */
export const uniformL1 = (p: number, bound: number): number => roundedDown(2 * bound * (p - 0.5));

/** 1 − (3/2 − p)^(1/d), without cancellation in many dimensions. */
const sharePerPixel = (p: number, dimensions: number): number =>
  -Math.expm1(Math.log(1.5 - p) / dimensions);

/**
 * ℓ∞, uniform noise in [−λ, λ] in d dimensions: 2λ(1 − (3/2 − p)^(1/d)). Two cubes that are shifted by r in each coordinate
 * overlap in a share (1 − r/2λ)^d.
 *
 * @example
 * ```ts
 * import { uniformLinf } from "rampart";
 *
 * console.log(uniformLinf(0.9, 0.2, 3072)); // the radius for a class of probability 0.9
 * ```
 */
export const uniformLinf = (p: number, bound: number, dimensions: number): number =>
  p > 0.5 ? roundedDown(2 * bound * sharePerPixel(p, dimensions)) : 0;

/**
 * ℓ2, uniform noise in [−λ, λ] in d dimensions: √d times the ℓ∞ radius, since the worst shift has equal coordinates.
 *
 * @example
 * ```ts
 * import { uniformL2 } from "rampart";
 *
 * console.log(uniformL2(0.9, 0.2, 3072)); // the radius for a class of probability 0.9
 * ```
 */
export const uniformL2 = (p: number, bound: number, dimensions: number): number =>
  Math.sqrt(dimensions) * uniformLinf(p, bound, dimensions);

/**
 * ℓ∞, noise of density ∝ exp(−‖x‖∞/λ): λ ln(½ / (1 − p)) (Yang et al. 2020, arXiv:2002.08118).
 *
 * @example
 * ```ts
 * import { expLinf } from "rampart";
 *
 * console.log(expLinf(0.9, 0.25)); // the radius for a class of probability 0.9
 * ```
 */
export const expLinf = (p: number, scale: number): number =>
  roundedDown(-scale * Math.log(2 * (1 - p)));

/**
 * The radii in all norms that follow from radii in some norms: ‖v‖∞ ≤ ‖v‖₂ ≤ ‖v‖₁ ≤ √d ‖v‖₂ ≤ d ‖v‖∞, so each ball contains
 * balls of the other norms. Norms without a given radius get only the implied one.
 *
 * @example
 * ```ts
 * import { inAllNorms } from "rampart";
 *
 * console.log(inAllNorms({ l2: 0.5 }, 3072)); // a ball in ℓ2 contains balls in ℓ1 and ℓ∞
 * ```
 */
export function inAllNorms(own: Partial<Radii>, dimensions: number): Radii {
  const { l2 = 0, l1 = 0, linf = 0 } = own;
  const root = Math.sqrt(dimensions);
  return {
    l2: Math.max(l2, roundedDown(l1 / root), linf),
    l1: Math.max(l1, l2, linf),
    linf: Math.max(linf, roundedDown(l2 / root), roundedDown(l1 / dimensions)),
  };
}
