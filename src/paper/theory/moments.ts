import { root } from "./quadrature.ts";

/** The highest s of `stretched`, and its nodes per unit of s. */
const [high, nodesPerUnit] = [4, 40];

/**
 * Nodes for ∫₀^∞ f(x) dx with f analytic and decreasing like e^(−x^q). With x = exp((s − e^(−s)) / q), the integrand
 * decreases doubly exponentially in s at both ends, and equal steps of s converge exponentially (Takahasi & Mori 1974).
 */
export function stretched(q: number): { logX: number; slope: number; step: number }[] {
  const low = -Math.log(41 * q);
  const n = Math.ceil((high - low) * nodesPerUnit);
  const step = (high - low) / n;
  return Array.from({ length: n + 1 }, (_, i) => {
    const s = low + i * step;
    return { logX: (s - Math.exp(-s)) / q, slope: (1 + Math.exp(-s)) / q, step };
  });
}

/** ln M(u, v) with M = 2 ∫₀^∞ e^(−u xᵖ − v x^q) dx, and the mean of xᵖ under this density, for u, v > 0. */
export function moments(u: number, v: number, p: number, q: number) {
  let total = 0;
  let first = 0;
  for (const { logX, slope, step } of stretched(q)) {
    const x = Math.exp(logX); // in units of v^(−1/q)
    const power = x ** p;
    const weight = Math.exp(-u * v ** (-p / q) * power - x ** q) * x * slope * step;
    total += weight;
    first += weight * power;
  }
  return {
    logM: Math.log(2 * total) - Math.log(v) / q,
    meanOfPower: (first / total) * v ** (-p / q),
  };
}

/**
 * The u, v > 0 that minimise u a + v + d ln M(u, v) − poles (ln u + ln v). With `poles` 1, the saddle point of the double
 * Laplace transform of Vol{Σ|xᵢ|ᵖ ≤ a, Σ|xᵢ|^q ≤ 1}; with `poles` 0, the point of the best exponential bound on this
 * volume. By scaling x, the minimum lies on the line p a u + q v = d + (p + q) poles, which leaves one unknown.
 */
export function saddleOfPair(d: number, p: number, q: number, a: number, poles: number) {
  const total = d + (p + q) * poles;
  const at = (share: number) => ({ u: (share * total) / (p * a), v: ((1 - share) * total) / q });
  const share = root(
    (x) => {
      const { u, v } = at(x);
      return a - d * moments(u, v, p, q).meanOfPower - poles / u;
    },
    0,
    1,
  );
  return at(share);
}
