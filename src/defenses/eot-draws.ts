import type { Victim } from "../attacks/victim.ts";
import { fold, type Key } from "../math/random.ts";
import { type Sums, sumsOf } from "../math/sums.ts";
import { rowSize, type Tensor, takeRows, tensor } from "../math/tensor.ts";

/** A randomised victim, the draws of it that are averaged, and the rows that may meet it at once. */
export interface Drawn {
  readonly model: Victim;
  readonly draws: number;
  readonly maxBatch: number;
}

/**
 * All draws of all examples, draw by draw, in batches of at most `maxBatch` rows: `indices` are places in `keys`,
 * `own` their keys. Draw r of an example has the key fold(key, r).
 */
export function* batches(keys: readonly Key[], { draws, maxBatch }: Drawn) {
  const total = keys.length * draws;
  for (let from = 0; from < total; from += maxBatch) {
    const size = Math.min(maxBatch, total - from);
    const indices = Array.from({ length: size }, (_, i) => (from + i) % keys.length);
    const own = indices.map((index, i) => fold(keys[index], Math.floor((from + i) / keys.length)));
    yield { indices, own };
  }
}

/** The rows of x at `indices`; x itself where these are all of them in their order. */
export const examplesAt = (x: Tensor, indices: readonly number[]): Tensor =>
  indices.length === x.shape[0] && indices.every((index, i) => index === i)
    ? x
    : takeRows(x, indices);

/** The running mean over draws, in double precision; shape [examples, ...] as soon as the first rows arrive. */
export function mean(examples: number, draws: number) {
  let row: readonly number[] = [];
  let sums: Sums | null = null;
  return {
    add(part: Tensor, indices: readonly number[]) {
      const size = rowSize(part);
      if (sums === null) {
        row = part.shape.slice(1);
        sums = sumsOf(examples, size);
      }
      for (const [i, index] of indices.entries())
        sums.add(index, part.data.subarray(i * size, (i + 1) * size));
    },
    result: (): Tensor => tensor([examples, ...row], sums?.over(draws) ?? new Float32Array(0)),
  };
}
