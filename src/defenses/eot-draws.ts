import type { Victim } from "../attacks/victim.ts";
import { fold, type Key } from "../math/random.ts";
import { type Sums, sumsOf } from "../math/sums.ts";
import { rowSize, type Tensor, takeRows, tensor } from "../math/tensor.ts";

/** A randomised victim, the number of draws averaged per example, and the largest batch that it is asked for. */
export interface Drawn {
  readonly model: Victim;
  readonly draws: number;
  readonly maxBatch: number;
}

/**
 * All draws of all examples, draw by draw, in batches of at most `maxBatch` rows. Of each batch, `indices` [batch] are the
 * examples and `keys` [batch] the keys of the draws: draw r of an example has the key fold(key, r).
 */
export function* batches(exampleKeys: readonly Key[], { draws, maxBatch }: Drawn) {
  const examples = exampleKeys.length;
  const total = examples * draws;
  for (let from = 0; from < total; from += maxBatch) {
    const size = Math.min(maxBatch, total - from);
    const indices = Array.from({ length: size }, (_, i) => (from + i) % examples);
    const keys = indices.map((index, i) =>
      fold(exampleKeys[index], Math.floor((from + i) / examples)),
    );
    yield { indices, keys };
  }
}

/** Rows `indices` of x [examples, ...pixels]; x itself if these are all of its rows in order. */
export const examplesAt = (x: Tensor, indices: readonly number[]): Tensor =>
  indices.length === x.shape[0] && indices.every((index, i) => index === i)
    ? x
    : takeRows(x, indices);

/** The mean over draws, summed in double precision. */
export interface RunningMean {
  /** Adds rows [batch, ...]; row i belongs to example `indices[i]`. */
  add(rows: Tensor, indices: readonly number[]): void;
  /** The mean, [examples, ...]. */
  result(): Tensor;
}

/** A mean over `draws` rows per example, [examples, ...]; the first rows that are added decide the shape of a row. */
export function runningMean(examples: number, draws: number): RunningMean {
  let rowShape: readonly number[] = [];
  let sums: Sums | null = null;
  return {
    add(rows, indices) {
      const size = rowSize(rows);
      if (sums === null) {
        rowShape = rows.shape.slice(1);
        sums = sumsOf(examples, size);
      }
      for (const [i, index] of indices.entries())
        sums.add(index, rows.data.subarray(i * size, (i + 1) * size));
    },
    result: () => tensor([examples, ...rowShape], sums?.over(draws) ?? new Float32Array(0)),
  };
}
