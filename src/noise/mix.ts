import { unit } from "../math/distributions.ts";
import { fillBits, fold, type Key } from "../math/random.ts";
import { normalQuantile } from "../math/special.ts";
import { rowSize, type Shape, type Tensor, tensor } from "../math/tensor.ts";
import { defineNoise } from "./define-noise.ts";
import { describeMixture, type Mixture, mixtureDensity, mixtureParameters } from "./mixture.ts";

/** One coin per pixel: normal noise on heads, uniform noise on tails. `shape` and the result are [batch, ...pixels]. */
function sample(keys: readonly Key[], shape: Shape, { sigma, bound }: Mixture): Tensor {
  const out = tensor(shape);
  const row = rowSize(out);
  const words = new Uint32Array(row);
  const coins = new Uint32Array(Math.ceil(row / 32));
  keys.forEach((key, i) => {
    fillBits(fold(key, 0), words);
    fillBits(fold(key, 1), coins);
    for (let j = 0; j < row; j++) {
      const u = unit(words[j]);
      const heads = (coins[j >> 5] >>> (j & 31)) & 1;
      out.data[i * row + j] = heads === 1 ? sigma * normalQuantile(u) : bound * (2 * u - 1);
    }
  });
  return out;
}

/** A mixture of normal and uniform noise, with a coin per pixel. */
export const mix = defineNoise({
  name: "mix",
  parameters: mixtureParameters,
  source: "Araujo et al. 2019, arXiv:1903.10219, Eq. 15",
  describe: (mixture) => describeMixture("pixel", mixture),
  sample,
  density: mixtureDensity,
});
