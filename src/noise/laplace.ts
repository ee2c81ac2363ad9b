import { laplace as sampleLaplace } from "../math/distributions.ts";
import { defineNoise, pixels } from "./define-noise.ts";

/** Laplace noise, independent per pixel. By default its standard deviation is √2 · 0.177 = 0.25, that of the normal noise. */
export const laplace = defineNoise({
  name: "laplace",
  parameters: { scale: pixels(0.177, "scale; the standard deviation is √2 times the scale") },
  source: "textbook; Araujo et al. 2019, arXiv:1903.10219, §4.2",
  describe: ({ scale }) => `Laplace noise of scale ${scale}`,
  sample: (keys, shape, { scale }) => sampleLaplace(keys, shape, scale),
  density: (x, { scale }) => Math.exp(-Math.abs(x) / scale) / (2 * scale),
});
