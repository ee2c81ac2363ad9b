// One stream per row and key, in counter mode: a row's draws depend on its key and its length, on nothing else.
// The loops below are written out, one per distribution: a callback per value costs twice as much.
import { fillBits, fillUniform, fold, type Key, threefry } from "./random.ts";
import { normalQuantile } from "./special.ts";
import { rowSize, type Shape, type Tensor, tensor } from "./tensor.ts";

/** Fills each row of a fresh tensor from the words of its key's stream, one per element; shape [keys, ...]. */
function draw(
  keys: readonly Key[],
  shape: Shape,
  fill: (row: Float32Array, words: Uint32Array) => void,
  /** Fills a row without words, if it can. */
  fast: (row: Float32Array, key: Key) => boolean = () => false,
): Tensor {
  if (keys.length !== shape[0])
    throw new Error(`shape [${shape.join(", ")}] needs one key per row, got ${keys.length}`);
  const out = tensor(shape);
  const row = rowSize(out);
  const words = new Uint32Array(row);
  keys.forEach((key, i) => {
    const own = out.data.subarray(i * row, (i + 1) * row);
    if (fast(own, key)) return;
    fillBits(key, words);
    fill(own, words);
  });
  return out;
}

/** A word as a number strictly between 0 and 1: the middle of its interval of width 2⁻³². */
export const unit = (word: number): number => (word + 0.5) * 2.3283064365386963e-10;

/** U[low, high] per element, rounded to float32; shape [keys, ...]. */
export function uniform(keys: readonly Key[], shape: Shape, low = 0, high = 1): Tensor {
  const inLoop = (row: Float32Array, words: Uint32Array) => {
    for (let i = 0; i < row.length; i++) row[i] = low + (high - low) * unit(words[i]);
  };
  return draw(keys, shape, inLoop, (row, key) => fillUniform(key, row, low, high - low));
}

/** N(0, sigma²) per element, by inversion, so |z| < 6.4 sigma; shape [keys, ...]. */
export const normal = (keys: readonly Key[], shape: Shape, sigma = 1): Tensor =>
  draw(keys, shape, (row, words) => {
    for (let i = 0; i < row.length; i++) row[i] = sigma * normalQuantile(unit(words[i]));
  });

/** Laplace of mean 0, density e^(−|x|/scale) / 2 scale, per element, by inversion; shape [keys, ...]. */
export const laplace = (keys: readonly Key[], shape: Shape, scale = 1): Tensor =>
  draw(keys, shape, (row, words) => {
    for (let i = 0; i < row.length; i++) {
      const u = unit(words[i]);
      row[i] = u < 0.5 ? scale * Math.log(2 * u) : -scale * Math.log(2 - 2 * u);
    }
  });

/**
 * Generalised normal of order p, density ∝ exp(−(|x|/scale)^p), per element: Laplace at p = 1, normal of deviation
 * scale/√2 at 2, U[−scale, scale] in the limit; shape [keys, ...]. |x| = scale · G^(1/p) for G ~ Gamma(1/p), which is
 * drawn as Gamma(1/p + 1) · U^p, the former by rejection (Marsaglia & Tsang 2000, "A simple method for generating
 * gamma variables"); each element has its own words for each attempt, so that a draw depends on its place alone.
 */
export function generalizedNormal(
  keys: readonly Key[],
  shape: Shape,
  order: number,
  scale = 1,
): Tensor {
  if (order === Number.POSITIVE_INFINITY) return uniform(keys, shape, -scale, scale);
  const out = tensor(shape);
  const row = rowSize(out);
  const shapeMinusThird = 1 / order + 2 / 3; // the gamma's shape 1/p + 1, less 1/3
  const spread = 1 / Math.sqrt(9 * shapeMinusThird);
  const [words, signs] = [new Uint32Array(2 * row), new Uint32Array(row)];
  keys.forEach((key, i) => {
    const retries = fold(key, 2);
    fillBits(fold(key, 0), words);
    fillBits(fold(key, 1), signs);
    for (let j = 0; j < row; j++) {
      let gamma = marsagliaTsang(words[2 * j], words[2 * j + 1], shapeMinusThird, spread);
      for (let attempt = 0; gamma < 0; attempt++) {
        const [first, second] = threefry(retries, attempt, j);
        gamma = marsagliaTsang(first, second, shapeMinusThird, spread);
      }
      // One word gives the sign by its last bit and U by all of them: the bias of U is 2⁻³² of it.
      const size = scale * gamma ** (1 / order) * unit(signs[j]);
      out.data[i * row + j] = signs[j] % 2 === 0 ? size : -size;
    }
  });
  return out;
}

/** Gamma of shape d + 1/3 from two words, −1 where they are rejected; `c` is 1/√(9d). */
function marsagliaTsang(first: number, second: number, d: number, c: number): number {
  const z = normalQuantile(unit(first));
  const v = (1 + c * z) ** 3;
  return v > 0 && Math.log(unit(second)) < z ** 2 / 2 + d - d * v + d * Math.log(v) ? d * v : -1;
}

/** The numbers 0 … n − 1 in random order (Fisher & Yates); no order's odds are off by more than n² / 2³² of them. */
export function permutation(n: number, key: Key): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  const words = new Uint32Array(n);
  fillBits(key, words);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(unit(words[i]) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
