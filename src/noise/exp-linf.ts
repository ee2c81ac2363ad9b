import { unit } from "../math/distributions.ts";
import { fillBits, fold, type Key } from "../math/random.ts";
import { rowSize, type Shape, type Tensor, tensor } from "../math/tensor.ts";
import { defineNoise, type ParameterValues, pixels } from "./define-noise.ts";

/**
 * Uniform noise in a cube [−R, R]^d whose R is drawn from Gamma(d + 1, λ), the sum of d + 1 exponential numbers: the density
 * at x is ∫ R^d e^(−R/λ) / (2R)^d dR from ‖x‖∞, which is ∝ e^(−‖x‖∞/λ). `shape` and the result are [batch, ...pixels].
 */
function sample(keys: readonly Key[], shape: Shape, { scale }: ParameterValues<"scale">): Tensor {
  const out = tensor(shape);
  const row = rowSize(out);
  const [words, sizes] = [new Uint32Array(row), new Uint32Array(row + 1)];
  keys.forEach((key, i) => {
    fillBits(fold(key, 0), words);
    fillBits(fold(key, 1), sizes);
    const radius = scale * sizes.reduce((sum, word) => sum - Math.log(unit(word)), 0);
    for (let j = 0; j < row; j++) out.data[i * row + j] = radius * (2 * unit(words[j]) - 1);
  });
  return out;
}

/** Noise whose density depends on its largest pixel alone. Its largest pixel is near d · λ for d pixels times channels. */
export const expLinf = defineNoise({
  name: "exp-linf",
  parameters: {
    scale: pixels(0.0001, "scale λ of the largest pixel; images of d numbers get about d · λ"),
  },
  source: "Yang et al. 2020, arXiv:2002.08118",
  describe: ({ scale }) => `noise of density ∝ exp(−‖x‖∞/λ) with λ = ${scale}`,
  sample,
});
