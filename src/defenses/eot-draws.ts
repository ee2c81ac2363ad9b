import type { Victim } from "../attacks/victim.ts";
import { fold, type Key } from "../math/random.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";

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

/** The running mean over draws, in double precision; shape [examples, ...] as soon as the first rows arrive. */
export function mean(examples: number, draws: number) {
  let row: readonly number[] = [];
  let sums = new Float64Array(0);
  return {
    add(part: Tensor, indices: readonly number[]) {
      const size = rowSize(part);
      if (sums.length === 0) {
        row = part.shape.slice(1);
        sums = new Float64Array(examples * size);
      }
      const { data } = part;
      for (const [i, index] of indices.entries()) {
        const own = sums.subarray(index * size, (index + 1) * size);
        for (let j = 0; j < size; j++) own[j] += data[i * size + j];
      }
    },
    result(): Tensor {
      // A loop: a callback per number takes longer than a small network's gradient.
      const means = new Float32Array(sums.length);
      for (let i = 0; i < means.length; i++) means[i] = sums[i] / draws;
      return tensor([examples, ...row], means);
    },
  };
}
