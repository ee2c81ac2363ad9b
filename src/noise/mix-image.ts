import { normal, uniform } from "../math/distributions.ts";
import { fold, type Key } from "../math/random.ts";
import { rowSize, type Shape, type Tensor, tensor } from "../math/tensor.ts";
import { defineNoise } from "./define-noise.ts";
import { describeMixture, type Mixture, mixtureDensity, mixtureParameters } from "./mixture.ts";

/** One coin per image: normal noise on heads, uniform noise on tails. `shape` and the result are [batch, ...pixels]. */
function sample(keys: readonly Key[], shape: Shape, { sigma, bound }: Mixture): Tensor {
  const out = tensor(shape);
  const row = rowSize(out);
  keys.forEach((key, i) => {
    const imageKey = [fold(key, 0)];
    const imageShape = [1, ...shape.slice(1)];
    const heads = fold(key, 1)[0] % 2 === 1;
    const eta = heads
      ? normal(imageKey, imageShape, sigma)
      : uniform(imageKey, imageShape, -bound, bound);
    out.data.set(eta.data, i * row);
  });
  return out;
}

/** A mixture of normal and uniform noise, with a coin per image. Each pixel has the density of `mix`. */
export const mixImage = defineNoise({
  name: "mix-image",
  parameters: mixtureParameters,
  source: "the code of Araujo et al. 2019, arXiv:1903.10219",
  describe: (mixture) => describeMixture("image", mixture),
  sample,
  density: mixtureDensity,
});
