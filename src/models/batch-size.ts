// An attack that drops finished examples asks for batches of every size; each size costs a compilation and its memory.
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";

/** 1, 2, 3, 4, 6, 8, 12, …: the smallest power of two, or three halves of one, that holds `batch`. */
const rounded = (batch: number): number => {
  const power = 2 ** Math.ceil(Math.log2(batch));
  return batch <= (3 * power) / 4 && power >= 4 ? (3 * power) / 4 : power;
};

/**
 * The size that a batch is padded to. The first size is used as it is, since most work has one size only; later ones
 * run in a compiled size that is hardly larger, or in one of two sizes per octave, so that a batch that shrinks from
 * 128 to 1 meets 14 programs instead of 128.
 */
export function paddedSize(batch: number, compiled: readonly number[]): number {
  if (compiled.length === 0 || compiled.includes(batch)) return batch;
  const fitting = compiled.filter((size) => size >= batch);
  return Math.min(rounded(batch), ...fitting);
}

/** The rows of x followed by rows of zeros, `size` in all; x itself where it has that many. */
export function padded(x: Tensor, size: number): Tensor {
  if (x.shape[0] === size) return x;
  const out = new Float32Array(size * rowSize(x));
  out.set(x.data);
  return tensor([size, ...x.shape.slice(1)], out);
}
