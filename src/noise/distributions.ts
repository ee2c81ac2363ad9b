// The noise distributions: parameters, description, sampler and density of each.
import { generalizedNormal, laplace, normal, uniform, unit } from "../math/distributions.ts";
import { fillBits, fold, foldAll, type Key } from "../math/random.ts";
import { logGamma, normalQuantile } from "../math/special.ts";
import { add, rowSize, type Shape, type Tensor, tensor } from "../math/tensor.ts";

/** One parameter of a distribution, written after a colon in the name of a noise. */
export interface Parameter {
  /** The default: the paper's value (§4.2). */
  readonly byDefault: number;
  /** `pixels`: a length on the scale of pixels in [0, 1]. `order`: dimensionless, may be `inf`. */
  readonly unit: "pixels" | "order";
}

/** A family of distributions for the noise of one pixel. */
export interface Distribution {
  readonly parameters: readonly Parameter[];
  /** The distribution in words; lengths are on the scale of pixels in [0, 1]. */
  describe(...parameters: readonly number[]): string;
  /** One draw per key, independent between keys; `shape` and the result are [batch, ...pixels]. */
  sample(keys: readonly Key[], shape: Shape, ...parameters: readonly number[]): Tensor;
  /** The density of one pixel's noise at x. */
  density(x: number, ...parameters: readonly number[]): number;
}

const pixels = (byDefault: number): Parameter => ({ byDefault, unit: "pixels" });

const normalDensity = (x: number, sigma: number) =>
  Math.exp(-((x / sigma) ** 2) / 2) / (sigma * Math.sqrt(2 * Math.PI));
const uniformDensity = (x: number, a: number) => (Math.abs(x) <= a ? 1 / (2 * a) : 0);

/** Standard deviation of the density ∝ exp(−(|x|/scale)^p): scale · √(Γ(3/p) / Γ(1/p)) (Nadarajah 2005, "A generalized normal distribution"). */
const deviation = (order: number, scale: number): number =>
  order === Number.POSITIVE_INFINITY
    ? scale / Math.sqrt(3)
    : scale * Math.exp((logGamma(3 / order) - logGamma(1 / order)) / 2);

/** One coin per pixel (Eq. 15): normal noise on heads, uniform noise on tails. */
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

/** One coin per image, as in the authors' code. The density of each pixel is still that of Eq. (15). */
function mixedImages(keys: readonly Key[], shape: Shape, sigma: number, a: number): Tensor {
  const out = tensor(shape);
  const row = rowSize(out);
  keys.forEach((key, i) => {
    const imageKey = [fold(key, 0)];
    const imageShape = [1, ...shape.slice(1)];
    const heads = fold(key, 1)[0] % 2 === 1;
    const eta = heads ? normal(imageKey, imageShape, sigma) : uniform(imageKey, imageShape, -a, a);
    out.data.set(eta.data, i * row);
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

/** Simpson's weight of node i out of 0 … steps, times 3. */
function simpsonWeight(i: number, steps: number): number {
  if (i === 0 || i === steps) return 1;
  return i % 2 === 1 ? 4 : 2;
}

/**
 * The families by name. A noise is written `NAME` or `NAME:PARAMETER…`. Parameters are those of §4.2 of the paper; sources:
 * normal, uniform and Laplace are textbook, `generalized-normal` is Nadarajah 2005, `conv` is Eq. (14) and `mix` Eq. (15) of
 * the paper, and `mix-image` is its authors' code.
 */
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
    // Standard deviation √2 · 0.177 = 0.25, as for the normal noise.
    parameters: [pixels(0.177)],
    describe: (scale) => `Laplace noise of scale ${scale}`,
    sample: laplace,
    density: (x, scale) => Math.exp(-Math.abs(x) / scale) / (2 * scale),
  },
  // Contains the three above at orders 2, ∞ and 1 (§2.2; Dytso et al. 2018).
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
      for (let i = 0; i <= steps; i++)
        sum += simpsonWeight(i, steps) * normalDensity(x - a + (2 * a * i) / steps, sigma);
      return sum / (3 * steps);
    },
  },
  mix: mixture("pixel", mixedPixels),
  "mix-image": mixture("image", mixedImages),
};
