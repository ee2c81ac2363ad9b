// One stream per row and key, in counter mode: a row's draws depend on its key and its length, on nothing else.
// The loops below are written out, one per distribution: a callback per value costs twice as much.
import { fillBits, type Key } from "./random.ts";
import { normalQuantile } from "./special.ts";
import { rowSize, type Shape, type Tensor, tensor } from "./tensor.ts";

/** Fills each row of a fresh tensor from the words of its key's stream, one per element; shape [keys, ...]. */
function draw(
  keys: readonly Key[],
  shape: Shape,
  fill: (row: Float32Array, words: Uint32Array) => void,
): Tensor {
  if (keys.length !== shape[0])
    throw new Error(`shape [${shape.join(", ")}] needs one key per row, got ${keys.length}`);
  const out = tensor(shape);
  const row = rowSize(out);
  const words = new Uint32Array(row);
  keys.forEach((key, i) => {
    fillBits(key, words);
    fill(out.data.subarray(i * row, (i + 1) * row), words);
  });
  return out;
}

/** A word as a number strictly between 0 and 1: the middle of its interval of width 2⁻³². */
const unit = (word: number): number => (word + 0.5) * 2.3283064365386963e-10;

/** U[low, high] per element, rounded to float32; shape [keys, ...]. */
export const uniform = (keys: readonly Key[], shape: Shape, low = 0, high = 1): Tensor =>
  draw(keys, shape, (row, words) => {
    for (let i = 0; i < row.length; i++) row[i] = low + (high - low) * unit(words[i]);
  });

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
