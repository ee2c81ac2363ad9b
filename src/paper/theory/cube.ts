// The share of the cube [−1, 1]ᵈ inside an ℓp ball of radius r: P(Σ|xᵢ|ᵖ ≤ s) for x uniform in the cube and s = rᵖ. The
// Laplace transform of this function of s is m(t)ᵈ / t with m(t) = E e^(−t|x|ᵖ). It is inverted through its saddle point.
import { logGamma } from "../../math/special.ts";
import { add, type Complex, div, exp, log, mul, scale } from "./complex.ts";
import { root } from "./quadrature.ts";

/** ∫₀¹ x^(jp) e^(−t xᵖ) dx, for real or complex t of moderate size: Kummer's series e^(−t) Σ tⁿ / (b)ₙ (DLMF 13.2.39). */
export function cubeMoment(t: Complex, p: number, j = 0): Complex {
  const b = 1 + j + 1 / p;
  let term: Complex = [1, 0];
  let sum: Complex = term;
  for (let n = 0; Math.hypot(...term) > 1e-18 * Math.hypot(...sum); n++) {
    term = scale(mul(term, t), 1 / (b + n));
    sum = add(sum, term);
  }
  return scale(mul(sum, exp([-t[0], -t[1]])), 1 / (1 + j * p));
}

/** E|x|ᵖ of a coordinate whose density is tilted by e^(−t|x|ᵖ); 1/(p + 1) at t = 0, and decreasing in t. */
const tiltedMean = (t: number, p: number): number =>
  cubeMoment([t, 0], p, 1)[0] / cubeMoment([t, 0], p)[0];

/** The t ≥ 0 that minimises t s + d ln m(t) − poles · ln t. With `poles` 0 this is the exponent of Chernoff's bound. */
export const cubeSaddle = (d: number, p: number, s: number, poles: number): number =>
  root((t) => s - d * tiltedMean(t, p) - poles / t, 0, 100);

/** ln P by the trapezoidal rule on the vertical line through the saddle point; converges fast unless s is small. */
export function logShareOnLine(d: number, p: number, s: number): number {
  const c = cubeSaddle(d, p, s, 1);
  const mean = tiltedMean(c, p);
  const square = cubeMoment([c, 0], p, 2)[0] / cubeMoment([c, 0], p)[0];
  const h = 0.5 * Math.min(1 / Math.sqrt(d * (square - mean * mean)), c / 4);
  const exponent = (t: Complex) =>
    add(add(scale(t, s), scale(log(cubeMoment(t, p)), d)), scale(log(t), -1));
  const [top] = exponent([c, 0]);
  let sum = 0.5;
  for (let y = h; ; y += h) {
    const [re, im] = exponent([c, y]);
    const size = Math.exp(re - top);
    if (size < 1e-18) break;
    sum += size * Math.cos(im);
  }
  return top + Math.log((sum * h) / Math.PI);
}

/** e^t ∫₁^∞ e^(−t xᵖ) dx = e^t t^(−1/p) Γ(1/p, t) / p: Legendre's continued fraction (DLMF 8.9.2), away from t ≤ 0. */
function outside(t: Complex, p: number): Complex {
  let fraction = t;
  for (let n = 120; n >= 1; n--)
    fraction = add(t, div([n - 1 / p, 0], add([1, 0], div([n, 0], fraction))));
  return div([1 / p, 0], fraction);
}

/**
 * ln P by inclusion and exclusion, for small s: m is the integral over [0, ∞) minus that over [1, ∞). The k-th term of the
 * binomial series of mᵈ belongs to the part of the ℓp ball in which k given coordinates exceed 1. Each term is smooth, so
 * integration along the path of steepest descent, a parabola around the negative axis, is exact up to rounding.
 */
export function logShareByCorners(d: number, p: number, s: number): number {
  const logInside = logGamma(1 + 1 / p);
  let beyond = 0; // The term k = 0 belongs to the whole ℓp ball; its share is 1, since the volumes are equal.
  let logChoose = 0;
  for (let k = 1; k < s && k <= d; k++) {
    logChoose += Math.log((d - k + 1) / k);
    const power = (d - k) / p;
    const c = (power + k + 1) / (s - k);
    const h = 0.5 / Math.sqrt(2 * (power + k + 1) + 6);
    let part = 0;
    for (let u = 0; ; u += h) {
      const t = scale(mul([1, u], [1, u]), c);
      const inside = add([(d - k) * logInside, 0], scale(log(t), -power));
      const corner = add(scale(t, s - k), scale(log(outside(t, p)), k));
      // dt / (2πi t) = du / (π (1 + iu))
      const [re, im] = mul(exp(add(add(inside, corner), [logChoose, 0])), div([1, 0], [1, u]));
      part += (u === 0 ? 0.5 : 1) * re;
      if (Math.hypot(re, im) < 1e-17 * Math.abs(part)) break;
    }
    beyond += (k % 2 === 0 ? 1 : -1) * ((2 * h) / Math.PI) * part;
  }
  return Math.log1p(beyond);
}

/** ln of the share of the cube [−1, 1]ᵈ inside the ℓp ball Σ|xᵢ|ᵖ ≤ s, whose volume is that of the cube. */
export const logShareOfCube = (d: number, p: number, s: number): number =>
  s < 16 ? logShareByCorners(d, p, s) : logShareOnLine(d, p, s);
