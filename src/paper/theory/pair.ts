// Two balls of finite orders in many dimensions: the volume V of {Σ|xᵢ|ᵖ ≤ a, Σ|xᵢ|^q ≤ 1}, p < q, inverted from its
// double Laplace transform M(u, v)ᵈ / (u v). By scaling x, M(u, v) = v^(−1/q) g(w) with w = u v^(−p/q), so that
//   V = (2πi)⁻¹ ∫ G(a w) g(w)ᵈ dw / w,   G(z) = (2πi)⁻¹ ∫ e^(v + z v^(p/q)) v^(−d/q − 1) dv,   g(w) = 2 ∫₀^∞ e^(−x^q − w xᵖ) dx.
// Both contours pass through the saddle point; equal steps along them converge exponentially.
import { normalCdf } from "../../math/special.ts";
import { add, type Complex, div, exp, log, mul, scale } from "./complex.ts";
import { saddleOfPair, stretched } from "./moments.ts";

/** ln g(w(τ)) for τ ≥ 0, with w(τ) = w₀ (1 + iτ)(1 − iτ)^(−p/q), from u = u₀ (1 + iτ) and v = v₀ (1 − iτ). */
function logTransform(p: number, q: number, w0: number): (tau: number) => Complex {
  // With x = (1 − iτ)^(1/q) y the exponent is −(y^q + w₀ yᵖ) + iτ (y^q − w₀ yᵖ), stationary at y = e^stationary. Left of it
  // the path runs below the real axis and right of it above, where iτ (…) falls too.
  const stationary = Math.log((p * w0) / q) / (q - p);
  const bend = (0.2 * Math.PI) / q;
  const nodes = stretched(q).map(({ logX, slope, step }) => {
    const turn = Math.tanh(q * (logX - stationary));
    const logY: Complex = [logX, bend * turn];
    const low = scale(exp(scale(logY, p)), w0);
    const top = exp(scale(logY, q));
    const dy = mul(exp(logY), [slope * step, bend * q * (1 - turn * turn) * slope * step]);
    return { sum: add(top, low), difference: add(top, scale(low, -1)), dy };
  });
  return (tau) => {
    let [re, im] = [0, 0];
    for (const { sum, difference, dy } of nodes) {
      const size = Math.exp(-sum[0] - tau * difference[1]);
      const phase = tau * difference[0] - sum[1];
      const [x, y] = [size * Math.cos(phase), size * Math.sin(phase)];
      re += x * dy[0] - y * dy[1];
      im += x * dy[1] + y * dy[0];
    }
    return add(log([2 * re, 2 * im]), scale(log([1, -tau]), 1 / q));
  };
}

/** The saddle point, as ln v, of v + z v^ρ − n ln v, by Newton's method from ln v = start. */
function saddleOfG(z: Complex, rho: number, n: number, start: Complex): Complex {
  let at = start;
  for (let i = 0; i < 100; i++) {
    const v = exp(at);
    const powered = mul(z, exp(scale(at, rho)));
    const first = add(add(v, scale(powered, rho)), [-n, 0]);
    const move = div(first, add(v, scale(powered, rho * rho)));
    const size = Math.hypot(...move);
    at = add(at, scale(move, size > 0.3 ? -0.3 / size : -1));
    if (size < 1e-13) break;
  }
  return at;
}

/**
 * G(z) as [ln of its magnitude, the remaining factor], along Talbot's contour v = R φ (cot φ + i), −π < φ < π, through the
 * saddle point.
 */
function wright(z: Complex, rho: number, n: number, saddle: Complex): [number, Complex] {
  const powered = mul(z, exp(scale(saddle, rho)));
  const v = exp(saddle);
  const curvature = Math.hypot(...add(v, scale(powered, rho * rho)));
  const h = 0.2 * Math.min(1 / Math.sqrt(curvature), 0.25);
  const [logSize, start] = saddle;
  const radius = Math.exp(logSize) * (start === 0 ? 1 : Math.sin(start) / start);
  const top = v[0] + powered[0] - n * logSize;
  let [re, im] = [0, 0];
  for (const direction of [1, -1])
    for (let k = direction > 0 ? 0 : 1; ; k++) {
      const phi = start + direction * k * h;
      if (!(Math.abs(phi) <= 3.13)) break;
      const flat = Math.abs(phi) < 1e-5;
      // φ cot φ and its derivative.
      const cot = flat ? 1 - phi ** 2 / 3 : phi / Math.tan(phi);
      const slope = flat ? (-2 * phi) / 3 : 1 / Math.tan(phi) - phi / Math.sin(phi) ** 2;
      const logV = Math.log(radius * (flat ? 1 : phi / Math.sin(phi)));
      const power = Math.exp(rho * logV);
      const [cos, sin] = [power * Math.cos(rho * phi), power * Math.sin(rho * phi)];
      const size = Math.exp(radius * cot + z[0] * cos - z[1] * sin - n * logV - top);
      const phase = radius * phi + z[0] * sin + z[1] * cos - n * phi;
      const [x, y] = [size * Math.cos(phase), size * Math.sin(phase)];
      re += x * slope - y;
      im += x + y * slope;
      if (size < 1e-18) break;
    }
  return [top, mul([re, im], [0, (-h * radius) / (2 * Math.PI)])];
}

/**
 * A path τ(θ) and its slope, analytic for |Im θ| < π. Near 0, τ = θ; then τ grows exponentially until its slope is
 * `fastest`, at least 1.
 */
function stretch(fastest: number): (theta: number) => { tau: number; slope: number } {
  const shift = Math.log(2 * fastest - 1);
  const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const logistic = (x: number) => 1 / (1 + Math.exp(-x));
  return (theta) => ({
    tau: fastest * (softplus(theta - shift) - softplus(-theta - shift)),
    slope: fastest * (logistic(theta - shift) + logistic(-theta - shift)),
  });
}

/** ln V for orders 1 ≤ p < q < ∞ and 1 < a < d^(1 − p/q), in four or more dimensions. */
export function logPairVolume(d: number, p: number, q: number, a: number): number {
  const rho = p / q;
  const n = d / q + 1;
  const { u, v } = saddleOfPair(d, p, q, a, 1);
  const w0 = u * v ** -rho;
  const transform = logTransform(p, q, w0);
  const top = v + a * u - n * Math.log(v) + d * transform(0)[0] - Math.log(w0);
  let saddle: Complex = [Math.log(v), 0];
  /** The integrand as a function of τ, divided by e^top. */
  const integrand = (tau: number): Complex => {
    const logW = add([Math.log(w0), 0], add(log([1, tau]), scale(log([1, -tau]), -rho)));
    const z = scale(exp(logW), a);
    saddle = saddleOfG(z, rho, n, saddle);
    const [size, rest] = wright(z, rho, n, saddle);
    const both = exp(add(scale(transform(tau), d), [size - top, 0]));
    // dw / (2πi w) = ((1 + iτ)⁻¹ + ρ (1 − iτ)⁻¹) dτ / 2π
    const slope = add(div([1, 0], [1, tau]), div([rho, 0], [1, -tau]));
    return mul(mul(both, rest), scale(slope, 1 / (2 * Math.PI)));
  };
  const [middle] = integrand(0);
  const near = 1 / Math.sqrt(d + 1);
  const width = near / Math.sqrt(2 * Math.log(middle / integrand(near)[0]));
  const h = 0.4 * Math.min(width, 0.4);
  // For large τ the integrand is a sum of oscillations with frequencies κ |σ − k|, k = 0 … d, one for each corner of V as
  // a function of σ = a^(1/(1 − ρ)). A smooth cut-off many periods wide removes them. For large d they vanish earlier.
  const sigma = a ** (1 / (1 - rho));
  const kappa = (1 / rho - 1) * (rho * w0) ** (1 / (1 - rho));
  const fastest = Math.max(1, 0.6 / (kappa * Math.max(sigma, d - sigma)));
  const blur = Math.min(7.5 / (kappa * Math.abs(sigma - Math.round(sigma))), 2000 * fastest * h);
  const path = stretch(fastest);
  let sum = middle / 2;
  for (let theta = h; ; theta += h) {
    const { tau, slope } = path(theta);
    if (!(tau <= 15 * blur)) break;
    const [re, im] = integrand(tau);
    sum += re * slope * normalCdf(7.5 - tau / blur);
    if (Math.hypot(re, im) * Math.max(1, tau) < 1e-16 * middle) break;
  }
  return top + Math.log(2 * h * sum);
}
