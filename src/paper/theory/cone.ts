// Two balls in few dimensions, in real space: contour integrals converge slowly there, since a section of few
// coordinates has corners.
import { integral, root } from "./quadrature.ts";

/**
 * Vol(B_p ∩ B_q) of ℝᵈ for the ball Σ|xᵢ|ᵖ ≤ a and the unit ℓq ball, 1 ≤ p < q < ∞. By symmetry it is 2ᵈ d! times the part
 * with x₁ ≥ x₂ ≥ … ≥ 0, a cone over the y with 1 ≥ y₂ ≥ … ≥ 0 in which the ray through (1, y) leaves one of the balls at
 * x₁ = ρ(y): the part is ∫ ρᵈ/d dy. The cost grows a hundredfold with each dimension.
 */
export function coneVolume(d: number, p: number, q: number, a: number): number {
  // Along y the first to be left changes from B_q to B_p where Σyᵖ = a (Σy^q)^(p/q), whose two sides differ monotonically.
  const leavesP = (sumP: number, sumQ: number) => sumP - a * sumQ ** (p / q);
  const depth = (sumP: number, sumQ: number) =>
    Math.min((a / sumP) ** (d / p), sumQ ** (-d / q)) / d;

  const section = (left: number, sumP: number, sumQ: number, y: number): number => {
    if (left === 0) return depth(sumP, sumQ);
    // The integrand has a corner wherever the change happens with 1 … `left` of the other coordinates equal, the rest 0.
    const corners = Array.from({ length: left }, (_, i) =>
      root((z) => leavesP(sumP + (i + 1) * z ** p, sumQ + (i + 1) * z ** q), 0, y),
    ).reverse();
    return [...corners, y].reduce((sum, high, i) => {
      const low = i === 0 ? 0 : corners[i - 1];
      const inner = (z: number) => section(left - 1, sumP + z ** p, sumQ + z ** q, z);
      return sum + integral(inner, low, high);
    }, 0);
  };
  const copies = Array.from({ length: d }, (_, i) => 2 * (i + 1)).reduce((x, y) => x * y, 1);
  return copies * section(d - 1, 1, 1, 1);
}
