// The intersection of two balls in few dimensions, integrated in real space. Contour integrals converge slowly there,
// because sections of few coordinates have corners.
import { integral, root } from "./quadrature.ts";

/**
 * Vol(B_p ∩ B_q) in ℝᵈ for the ball Σ|xᵢ|ᵖ ≤ a and the unit ℓq ball, 1 ≤ p < q < ∞. By symmetry the volume is 2ᵈ d! times
 * that of the part with x₁ ≥ x₂ ≥ … ≥ 0. This part is a cone over all y with 1 ≥ y₂ ≥ … ≥ 0. If the ray through (1, y)
 * leaves the intersection at x₁ = ρ(y), the volume of the part is ∫ ρᵈ/d dy. Each dimension multiplies the cost by 100.
 */
export function coneVolume(d: number, p: number, q: number, a: number): number {
  // The ray leaves B_q first, and from Σyᵖ = a (Σy^q)^(p/q) on B_p first. The difference of the two sides is monotone.
  const leavesP = (sumP: number, sumQ: number) => sumP - a * sumQ ** (p / q);
  const depth = (sumP: number, sumQ: number) =>
    Math.min((a / sumP) ** (d / p), sumQ ** (-d / q)) / d;

  const section = (left: number, sumP: number, sumQ: number, y: number): number => {
    if (left === 0) return depth(sumP, sumQ);
    // The integrand has a corner wherever this equation holds with 1 … `left` equal coordinates and the others 0.
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
