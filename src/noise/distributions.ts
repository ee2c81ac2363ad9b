// Every distribution that a noise can have, with what its name, its words and its tests need to know of it.
import { generalizedNormal, laplace, normal, uniform, unit } from "../math/distributions.ts";
import { fillBits, fold, foldAll, type Key } from "../math/random.ts";
import { logGamma, normalQuantile } from "../math/special.ts";
import { add, rowSize, type Shape, type Tensor, tensor } from "../math/tensor.ts";

/** One number of a distribution, as it stands after a colon in a noise's name. */
export interface Parameter {
  /** The value when the name leaves it out: the paper's, §4.2. */
  readonly byDefault: number;
  /** `pixels`: a length for pixels in [0, 1]; `order`: a pure number, which may be `inf`. */
  readonly unit: "pixels" | "order";
}

/** A family of distributions of one pixel's noise. */
export interface Distribution {
  readonly parameters: readonly Parameter[];
  /** In words, lengths for pixels in [0, 1]. */
  describe(...parameters: readonly number[]): string;
  /** One draw per key, independent between keys; shape is [keys, ...pixels]. */
  sample(keys: readonly Key[], shape: Shape, ...parameters: readonly number[]): Tensor;
  /** Its density at one pixel's noise x. */
  density(x: number, ...parameters: readonly number[]): number;
}

const pixels = (byDefault: number): Parameter => ({ byDefault, unit: "pixels" });

const normalDensity = (x: number, sigma: number) =>
  Math.exp(-((x / sigma) ** 2) / 2) / (sigma * Math.sqrt(2 * Math.PI));
const uniformDensity = (x: number, a: number) => (Math.abs(x) <= a ? 1 / (2 * a) : 0);

/** σ of exp(−(|x|/scale)^p): scale · √(Γ(3/p) / Γ(1/p)) (Nadarajah 2005, "A generalized normal distribution"). */
const deviation = (order: number, scale: number): number =>
  order === Number.POSITIVE_INFINITY
    ? scale / Math.sqrt(3)
    : scale * Math.exp((logGamma(3 / order) - logGamma(1 / order)) / 2);

/** Each pixel tosses its own coin, Eq. (15): normal where it shows heads, uniform elsewhere. */
function mixedPixels(keys: readonly Key[], shape: Shape, sigma: number, a: number): Tensor {
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
      out.data[i * row + j] = heads === 1 ? sigma * normalQuantile(u) : a * (2 * u - 1);
    }
  });
  return out;
}

/** One coin decides for all pixels of an example, as in the authors' code; each pixel still has the density of Eq. (15). */
function mixedImages(keys: readonly Key[], shape: Shape, sigma: number, a: number): Tensor {
  const out = tensor(shape);
  const row = rowSize(out);
  keys.forEach((key, i) => {
    const one = [fold(key, 0)];
    const alone = [1, ...shape.slice(1)];
    const heads = fold(key, 1)[0] % 2 === 1;
    const drawn = heads ? normal(one, alone, sigma) : uniform(one, alone, -a, a);
    out.data.set(drawn.data, i * row);
  });
  return out;
}

const mixture = (per: string, sample: Distribution["sample"]): Distribution => ({
  parameters: [pixels(0.25), pixels(0.2)],
  describe: (sigma, a) =>
    `a mixture, one coin per ${per}, of normal noise of standard deviation ${sigma} and uniform noise from −${a} to ${a}`,
  sample,
  density: (x, sigma, a) => (normalDensity(x, sigma) + uniformDensity(x, a)) / 2,
});

/** Families by name; a noise is written `NAME` or `NAME:PARAMETER…`. */
export const distributions: Readonly<Record<string, Distribution>> = {
  normal: {
    parameters: [pixels(0.25)],
    describe: (sigma) => `normal noise of standard deviation ${sigma}`,
    sample: normal,
    density: normalDensity,
  },
  uniform: {
    parameters: [pixels(0.2)],
    describe: (a) => `uniform noise from −${a} to ${a}`,
    sample: (keys, shape, a) => uniform(keys, shape, -a, a),
    density: uniformDensity,
  },
  laplace: {
    // The scale whose standard deviation, √2 times the scale, is that of the normal noise.
    parameters: [pixels(0.177)],
    describe: (scale) => `Laplace noise of scale ${scale}`,
    sample: laplace,
    density: (x, scale) => Math.exp(-Math.abs(x) / scale) / (2 * scale),
  },
  // The family that the other three belong to (§2.2; Dytso et al. 2018): order 1, 2 and ∞.
  "generalized-normal": {
    parameters: [{ byDefault: 3, unit: "order" }, pixels(0.3)],
    describe: (order, scale) =>
      `generalised normal noise of order ${order} and scale ${scale}, standard deviation ${deviation(order, scale).toPrecision(3)}`,
    sample: generalizedNormal,
    density: (x, order, scale) =>
      order === Number.POSITIVE_INFINITY
        ? uniformDensity(x, scale)
        : Math.exp(-((Math.abs(x) / scale) ** order) - logGamma(1 + 1 / order)) / (2 * scale),
  },
  // Eq. (14): the density of a sum is the convolution of the densities.
  conv: {
    parameters: [pixels(0.25), pixels(0.2)],
    describe: (sigma, a) =>
      `the sum of normal noise of standard deviation ${sigma} and uniform noise from −${a} to ${a}`,
    sample: (keys, shape, sigma, a) =>
      add(normal(foldAll(keys, 0), shape, sigma), uniform(foldAll(keys, 1), shape, -a, a)),
    // The mean of the normal density over the interval [x − a, x + a], by Simpson's rule.
    density(x, sigma, a) {
      const steps = 64;
      let sum = 0;
      for (let i = 0; i <= steps; i++) {
        const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
        sum += weight * normalDensity(x - a + (2 * a * i) / steps, sigma);
      }
      return sum / (3 * steps);
    },
  },
  mix: mixture("pixel", mixedPixels),
  "mix-image": mixture("image", mixedImages),
};
