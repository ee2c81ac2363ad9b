// Random tensors with one key per row. A row depends on its key and its length alone. Each distribution has its own loop,
// because a callback per value would take twice as long.
import { fillBits, fillUniform, fold, type Key, threefry } from "./random.ts";
import { normalQuantile } from "./special.ts";
import { rowSize, type Shape, type Tensor, tensor } from "./tensor.ts";

/** A tensor [keys, …] whose rows `fill` computes from the stream of their key, one 32-bit word per element. */
function draw(
  keys: readonly Key[],
  shape: Shape,
  fill: (row: Float32Array, words: Uint32Array) => void,
  /** Fills a row without `fill` and returns true, or returns false. */
  fillFast: (row: Float32Array, key: Key) => boolean = () => false,
): Tensor {
  if (keys.length !== shape[0])
    throw new Error(`shape [${shape.join(", ")}] needs one key per row, got ${keys.length}`);
  const out = tensor(shape);
  const size = rowSize(out);
  const words = new Uint32Array(size);
  keys.forEach((key, i) => {
    const row = out.data.subarray(i * size, (i + 1) * size);
    if (fillFast(row, key)) return;
    fillBits(key, words);
    fill(row, words);
  });
  return out;
}

/** Maps a 32-bit word to (word + ½) · 2⁻³², which is strictly between 0 and 1. */
export const unit = (word: number): number => (word + 0.5) * 2.3283064365386963e-10;

/** U[low, high] per element, rounded to float32: [keys, …]. */
export function uniform(keys: readonly Key[], shape: Shape, low = 0, high = 1): Tensor {
  const inLoop = (row: Float32Array, words: Uint32Array) => {
    for (let i = 0; i < row.length; i++) row[i] = low + (high - low) * unit(words[i]);
  };
  return draw(keys, shape, inLoop, (row, key) => fillUniform(key, row, low, high - low));
}

/** N(0, sigma²) per element: [keys, …]. By inversion of 32 bits, so |x| < 6.4 · sigma. */
export const normal = (keys: readonly Key[], shape: Shape, sigma = 1): Tensor =>
  draw(keys, shape, (row, words) => {
    for (let i = 0; i < row.length; i++) row[i] = sigma * normalQuantile(unit(words[i]));
  });

/** Laplace(0, scale) with density e^(−|x| / scale) / (2 · scale) per element: [keys, …]. By inversion. */
export const laplace = (keys: readonly Key[], shape: Shape, scale = 1): Tensor =>
  draw(keys, shape, (row, words) => {
    for (let i = 0; i < row.length; i++) {
      const u = unit(words[i]);
      row[i] = u < 0.5 ? scale * Math.log(2 * u) : -scale * Math.log(2 - 2 * u);
    }
  });

/**
 * Generalised normal of order p with density ∝ exp(−(|x| / scale)ᵖ) per element: [keys, …]. Laplace for p = 1, normal with
 * standard deviation scale / √2 for p = 2, U[−scale, scale] for p = ∞. |x| = scale · G^(1/p) for G ~ Gamma(1/p), which is
 * drawn as Gamma(1/p + 1) · Uᵖ, the former by rejection (Marsaglia & Tsang 2000, "A simple method for generating gamma
 * variables"). Each element has its own random words for each attempt, so its value depends on its position alone.
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
  const shapeMinusThird = 1 / order + 2 / 3; // d of Marsaglia & Tsang: the shape 1/p + 1, minus 1/3
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
      // One word gives the sign by its last bit and U by all bits: given the sign, U is off by 2⁻³² at most.
      const size = scale * gamma ** (1 / order) * unit(signs[j]);
      out.data[i * row + j] = signs[j] % 2 === 0 ? size : -size;
    }
  });
  return out;
}

/** A draw from Gamma(d + ⅓) made of two words, or −1 if they are rejected; `c` is 1 / √(9d). */
function marsagliaTsang(first: number, second: number, d: number, c: number): number {
  const z = normalQuantile(unit(first));
  const v = (1 + c * z) ** 3;
  return v > 0 && Math.log(unit(second)) < z ** 2 / 2 + d - d * v + d * Math.log(v) ? d * v : -1;
}

/** 0 … n − 1 in random order (Fisher–Yates). The relative error of the probability of an order is below n² / 2³². */
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
