// Cumulative distribution functions of the noise of one pixel. All are symmetric around 0.
import { normalCdf } from "../math/special.ts";
import type { ParameterValues } from "../noise/define-noise.ts";

/** F(x) for x ≤ 0, where small probabilities keep their digits; F(x) = 1 − F(−x). */
export type LowerCumulative = (x: number) => number;

/** F of normal noise of standard deviation σ. */
export const normalLower =
  (sigma: number): LowerCumulative =>
  (x) =>
    normalCdf(x / sigma);

/** F of uniform noise in [−λ, λ]. */
export const uniformLower =
  (bound: number): LowerCumulative =>
  (x) =>
    Math.max(0, (x + bound) / (2 * bound));

/** F of Laplace noise of scale λ. */
export const laplaceLower =
  (scale: number): LowerCumulative =>
  (x) =>
    Math.exp(x / scale) / 2;

/** ∫ Φ(t/σ) dt up to x: xΦ(x/σ) + σφ(x/σ). */
function normalIntegral(x: number, sigma: number): number {
  const z = x / sigma;
  return x * normalCdf(z) + (sigma * Math.exp(-(z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

/** F of the sum of normal and uniform noise: the mean of Φ(t/σ) over t in [x − λ, x + λ]. */
export const convLower =
  (sigma: number, bound: number): LowerCumulative =>
  (x) =>
    Math.max(
      0,
      (normalIntegral(x + bound, sigma) - normalIntegral(x - bound, sigma)) / (2 * bound),
    );

/** F of a fair mixture of normal and uniform noise. */
export const mixLower = (sigma: number, bound: number): LowerCumulative => {
  const [normal, uniform] = [normalLower(sigma), uniformLower(bound)];
  return (x) => (normal(x) + uniform(x)) / 2;
};

/** F of each noise with independent pixels, as a function of its parameters. */
export const lowerCumulatives: Readonly<
  Record<string, (parameters: ParameterValues) => LowerCumulative>
> = {
  normal: ({ sigma }) => normalLower(sigma),
  uniform: ({ bound }) => uniformLower(bound),
  laplace: ({ scale }) => laplaceLower(scale),
  conv: ({ sigma, bound }) => convLower(sigma, bound),
  mix: ({ sigma, bound }) => mixLower(sigma, bound),
};
