import { normal as sampleNormal } from "../math/distributions.ts";
import { defineNoise, pixels } from "./define-noise.ts";

/** The density at x of the normal distribution of standard deviation sigma, both on the scale of pixels in [0, 1]. */
export const normalDensity = (x: number, sigma: number): number =>
  Math.exp(-((x / sigma) ** 2) / 2) / (sigma * Math.sqrt(2 * Math.PI));

/** Normal noise, independent per pixel. */
export const normal = defineNoise({
  name: "normal",
  parameters: { sigma: pixels(0.25, "standard deviation") },
  source: "textbook; Araujo et al. 2019, arXiv:1903.10219, §4.2",
  describe: ({ sigma }) => `normal noise of standard deviation ${sigma}`,
  sample: (keys, shape, { sigma }) => sampleNormal(keys, shape, sigma),
  density: (x, { sigma }) => normalDensity(x, sigma),
});
