import { uniform as sampleUniform } from "../math/distributions.ts";
import { defineNoise, pixels } from "./define-noise.ts";

/** The density of the uniform distribution on [−bound, bound] at x. */
export const uniformDensity = (x: number, bound: number): number =>
  Math.abs(x) <= bound ? 1 / (2 * bound) : 0;

/** Uniform noise, independent per pixel. */
export const uniform = defineNoise({
  name: "uniform",
  parameters: { bound: pixels(0.2, "largest absolute value") },
  source: "textbook; Araujo et al. 2019, arXiv:1903.10219, §4.2",
  describe: ({ bound }) => `uniform noise from −${bound} to ${bound}`,
  sample: (keys, shape, { bound }) => sampleUniform(keys, shape, -bound, bound),
  density: (x, { bound }) => uniformDensity(x, bound),
});
