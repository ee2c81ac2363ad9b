// Rows of batches, for attacks that keep one object per example and gather the survivors into a batch.
import { rowSize, type Shape, type Tensor, tensor } from "../math/tensor.ts";

/** Joins rows of equal length into a batch [rows, ...pixels]; `[any, ...pixels]` is the shape of x. */
export function gather(rows: readonly Float32Array[], [, ...pixels]: Shape): Tensor {
  const batch = tensor([rows.length, ...pixels]);
  rows.forEach((row, i) => {
    batch.data.set(row, i * row.length);
  });
  return batch;
}

/** Row i of an array [batch, ...] as a view on its memory. */
export function rowOf({ data, shape }: Tensor, i: number): Float32Array {
  const size = data.length / shape[0];
  return data.subarray(i * size, (i + 1) * size);
}

/** Copies row i of `from` [rows, ...] to row places[i] of `to` [batch, ...]. */
export function putRows(to: Tensor, from: Tensor, places: readonly number[]): void {
  const row = rowSize(to);
  for (const [i, place] of places.entries())
    to.data.set(from.data.subarray(i * row, (i + 1) * row), place * row);
}

/** ‖a − b‖ of two vectors [pixels] in each norm, in double precision. */
export const distances = {
  linf(a: ArrayLike<number>, b: ArrayLike<number>): number {
    let max = 0;
    for (let i = 0; i < a.length; i++) max = Math.max(max, Math.abs(a[i] - b[i]));
    return max;
  },
  l2(a: ArrayLike<number>, b: ArrayLike<number>): number {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
    return Math.sqrt(sum);
  },
  l1(a: ArrayLike<number>, b: ArrayLike<number>): number {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
    return sum;
  },
} as const;

/**
 * The `count` wrong classes of highest logit, highest first, for the logits z [classes] of one example. Leaves out classes at −∞
 * unless all wrong classes are.
 */
export function rivals(z: Float32Array, label: number, count: number): number[] {
  const wrong = Array.from(z.keys()).filter((j) => j !== label);
  const possible = wrong.filter((j) => z[j] > Number.NEGATIVE_INFINITY);
  return (possible.length > 0 ? possible : wrong)
    .sort((i, j) => z[j] - z[i] || i - j)
    .slice(0, count);
}
