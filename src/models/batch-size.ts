// An attack that drops finished examples asks for batches of every size; each size costs a compilation and its memory.
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";

/** 1, 2, 3, 4, 6, 8, 12, …: the smallest power of two, or three halves of one, that holds `batch`. */
const rounded = (batch: number): number => {
  const power = 2 ** Math.ceil(Math.log2(batch));
  return batch <= (3 * power) / 4 && power >= 4 ? (3 * power) / 4 : power;
};

/** Runs of the first size that a compilation costs, about. */
const COMPILATION = 6;

/**
 * Chooses the compiled size that a batch is padded to. The first size is used as it is, since most work has one size only.
 * A smaller batch is padded to the next compiled size, until what was wasted on batches like it would have paid for
 * compiling their own; a batch that shrinks from 128 to 1 meets at most 15 sizes, and a short piece of work one or two.
 */
export function batchSizes(): (batch: number) => number {
  const compiled: number[] = [];
  const wasted = new Map<number, number>();
  return (batch) => {
    const fitting = Math.min(...compiled.filter((size) => size >= batch));
    const own = compiled.length === 0 ? batch : rounded(batch);
    if (fitting <= own) return fitting;
    if (Number.isFinite(fitting)) {
      const waste = (wasted.get(own) ?? 0) + fitting - own;
      wasted.set(own, waste);
      if (waste < COMPILATION * compiled[0]) return fitting;
    }
    compiled.push(own);
    return own;
  };
}

/** The rows of x followed by rows of zeros, `size` in all; x itself where it has that many. */
export function padded(x: Tensor, size: number): Tensor {
  if (x.shape[0] === size) return x;
  const out = new Float32Array(size * rowSize(x));
  out.set(x.data);
  return tensor([size, ...x.shape.slice(1)], out);
}
