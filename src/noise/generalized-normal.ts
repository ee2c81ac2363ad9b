import { generalizedNormal as sampleGeneralizedNormal } from "../math/distributions.ts";
import { logGamma } from "../math/special.ts";
import { defineNoise, pixels } from "./define-noise.ts";
import { uniformDensity } from "./uniform.ts";

/** Standard deviation of the density ∝ exp(−(|x|/scale)^order): scale · √(Γ(3/order) / Γ(1/order)). */
const deviation = (order: number, scale: number): number =>
  order === Number.POSITIVE_INFINITY
    ? scale / Math.sqrt(3)
    : scale * Math.exp((logGamma(3 / order) - logGamma(1 / order)) / 2);

/**
 * Generalised normal noise, of density ∝ exp(−(|x|/scale)^order) per pixel. Contains Laplace, normal and uniform noise at
 * orders 1, 2 and ∞ (Araujo et al. 2019, arXiv:1903.10219, §2.2; Dytso et al. 2018).
 */
export const generalizedNormal = defineNoise({
  name: "generalized-normal",
  parameters: {
    order: { byDefault: 3, unit: "order", text: "exponent of |x| in the density, or inf" },
    scale: pixels(0.3, "scale"),
  },
  source: 'Nadarajah 2005, "A generalized normal distribution"',
  describe: ({ order, scale }) =>
    `generalised normal noise of order ${order} and scale ${scale}, standard deviation ${deviation(order, scale).toPrecision(3)}`,
  sample: (keys, shape, { order, scale }) => sampleGeneralizedNormal(keys, shape, order, scale),
  density: (x, { order, scale }) =>
    order === Number.POSITIVE_INFINITY
      ? uniformDensity(x, scale)
      : Math.exp(-((Math.abs(x) / scale) ** order) - logGamma(1 + 1 / order)) / (2 * scale),
});
