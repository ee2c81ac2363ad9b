import { normal, uniform } from "../math/distributions.ts";
import { foldAll } from "../math/random.ts";
import { add } from "../math/tensor.ts";
import { defineNoise, pixels } from "./define-noise.ts";
import { normalDensity } from "./normal.ts";

/** Simpson's weight of node i out of 0 … steps, times 3. */
function simpsonWeight(i: number, steps: number): number {
  if (i === 0 || i === steps) return 1;
  return i % 2 === 1 ? 4 : 2;
}

/** The sum of normal and uniform noise. The density of a sum is the convolution of the densities, hence the name. */
export const conv = defineNoise({
  name: "conv",
  parameters: {
    sigma: pixels(0.25, "standard deviation of the normal part"),
    bound: pixels(0.2, "largest absolute value of the uniform part"),
  },
  source: "Araujo et al. 2019, arXiv:1903.10219, Eq. 14",
  describe: ({ sigma, bound }) =>
    `the sum of normal noise of standard deviation ${sigma} and uniform noise from −${bound} to ${bound}`,
  sample: (keys, shape, { sigma, bound }) =>
    add(normal(foldAll(keys, 0), shape, sigma), uniform(foldAll(keys, 1), shape, -bound, bound)),
  // The mean of the normal density over the interval [x − bound, x + bound], by Simpson's rule.
  density(x, { sigma, bound }) {
    const steps = 64;
    let sum = 0;
    for (let i = 0; i <= steps; i++)
      sum += simpsonWeight(i, steps) * normalDensity(x - bound + (2 * bound * i) / steps, sigma);
    return sum / (3 * steps);
  },
});
