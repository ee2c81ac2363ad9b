// An attack that skips broken examples calls with batches of every size. Each compiled size costs time and memory.
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";

/** The smallest of 1, 2, 3, 4, 6, 8, 12, … that is at least `batch`: powers of two, and three halves of them. */
const roundedUp = (batch: number): number => {
  const power = 2 ** Math.ceil(Math.log2(batch));
  return batch <= (3 * power) / 4 && power >= 4 ? (3 * power) / 4 : power;
};

/** The most that a compilation is taken to cost, in runs of the first size. */
const COMPILATION_RUNS = 6;

/** The multiply-adds that a core does in the time of a compilation: a ResNet-50's takes about a second. */
const COMPILATION_MACS = 3e10;

/** The rows that a network computes in the time of a compilation; `rowMacs` are the multiply-adds of one row. */
export const rowsOfCompilation = (rowMacs: number): number =>
  rowMacs > 0 ? COMPILATION_MACS / rowMacs : Number.POSITIVE_INFINITY;

/**
 * Chooses the compiled size that a batch is padded to. The first size is compiled exactly, since most work has only one.
 * Smaller batches are padded to the next compiled size until the rows wasted on them would have paid for a size of
 * their own: `compilationRows` of them, or six runs of the first size if that is less. A batch that shrinks from 128 to 1
 * compiles at most 15 sizes, short work one or two.
 */
export function batchSizes(
  compilationRows: () => number = () => Number.POSITIVE_INFINITY,
): (batch: number) => number {
  const compiled: number[] = [];
  const wasted = new Map<number, number>();
  return (batch) => {
    const fitting = Math.min(...compiled.filter((size) => size >= batch));
    const exact = compiled.length === 0 ? batch : roundedUp(batch);
    if (fitting <= exact) return fitting;
    if (Number.isFinite(fitting)) {
      const waste = (wasted.get(exact) ?? 0) + fitting - exact;
      wasted.set(exact, waste);
      if (waste < Math.min(COMPILATION_RUNS * compiled[0], compilationRows())) return fitting;
    }
    compiled.push(exact);
    return exact;
  };
}

/** x [batch, …] with rows of zeros appended, [size, …]; x itself if it has `size` rows. */
export function padded(x: Tensor, size: number): Tensor {
  if (x.shape[0] === size) return x;
  const out = new Float32Array(size * rowSize(x));
  out.set(x.data);
  return tensor([size, ...x.shape.slice(1)], out);
}
