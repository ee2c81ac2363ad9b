// Attacks whose examples go their own ways keep one object per example and gather those that still run.
import { rowSize, type Shape, type Tensor, tensor } from "../math/tensor.ts";

/** The rows, one per example, as one batch of the shape that x has. */
export function gather(rows: readonly Float32Array[], [, ...pixels]: Shape): Tensor {
  const joined = tensor([rows.length, ...pixels]);
  rows.forEach((row, i) => {
    joined.data.set(row, i * row.length);
  });
  return joined;
}

/** Row i of [batch, ...] as a view on the same memory. */
export function rowOf({ data, shape }: Tensor, i: number): Float32Array {
  const size = data.length / shape[0];
  return data.subarray(i * size, (i + 1) * size);
}

/** Writes row i of `from` to row places[i] of `to`. */
export function putRows(to: Tensor, from: Tensor, places: readonly number[]): void {
  const row = rowSize(to);
  for (const [i, place] of places.entries())
    to.data.set(from.data.subarray(i * row, (i + 1) * row), place * row);
}

/** ‖a − b‖ in each norm, in double precision. */
export const distances = {
  linf(a: ArrayLike<number>, b: ArrayLike<number>): number {
    let most = 0;
    for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
    return most;
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
 * The wrong classes of the highest logits, highest first and at most `count` of them; z holds one example's logits. A class at
 * −∞ is no target, unless all others are there.
 */
export function rivals(z: Float32Array, label: number, count: number): number[] {
  const wrong = Array.from(z.keys()).filter((j) => j !== label);
  const live = wrong.filter((j) => z[j] > Number.NEGATIVE_INFINITY);
  return (live.length > 0 ? live : wrong).sort((i, j) => z[j] - z[i] || i - j).slice(0, count);
}
