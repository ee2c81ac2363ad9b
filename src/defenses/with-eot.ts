import { takeLoss } from "../attacks/losses.ts";
import type { Victim } from "../attacks/victim.ts";
import { fold, type Key } from "../math/random.ts";
import { rowSize, type Tensor, takeRows, tensor } from "../math/tensor.ts";

/**
 * Expectation over transformation (Athalye et al. 2018, arXiv:1707.07397) of a randomised victim: losses, gradients
 * and logits are each the mean over `draws` draws. Draw r of an example has the key fold(key, r), and draws are summed
 * in that order, whatever the batch. At most `maxBatch` rows meet the victim at once, so memory does not grow with `draws`.
 */
export function withEot(model: Victim, draws: number, maxBatch = 256): Victim {
  if (!Number.isInteger(draws) || draws < 1)
    throw new Error(`EOT needs a positive number of draws, got ${draws}`);
  return {
    async logits(x, keys) {
      const sum = mean(keys.length, draws);
      for (const { indices, keys: own } of batches(keys, draws, maxBatch))
        sum.add(await model.logits(takeRows(x, indices), own), indices);
      return sum.result();
    },
    async lossAndGradient(x, loss, keys) {
      const [losses, logits, gradient] = [0, 1, 2].map(() => mean(keys.length, draws));
      for (const { indices, keys: own } of batches(keys, draws, maxBatch)) {
        const part = await model.lossAndGradient(
          takeRows(x, indices),
          takeLoss(loss, indices),
          own,
        );
        losses.add(tensor([indices.length], part.losses), indices);
        logits.add(part.logits, indices);
        gradient.add(part.gradient, indices);
      }
      return {
        losses: losses.result().data,
        logits: logits.result(),
        gradient: gradient.result(),
      };
    },
  };
}

/** All draws of all examples, draw by draw, in batches of at most `maxBatch` rows. */
function* batches(keys: readonly Key[], draws: number, maxBatch: number) {
  const total = keys.length * draws;
  for (let from = 0; from < total; from += maxBatch) {
    const size = Math.min(maxBatch, total - from);
    const indices = Array.from({ length: size }, (_, i) => (from + i) % keys.length);
    const own = indices.map((index, i) => fold(keys[index], Math.floor((from + i) / keys.length)));
    yield { indices, keys: own };
  }
}

/** The running mean over draws, in double precision; shape [examples, ...] as soon as the first rows arrive. */
function mean(examples: number, draws: number) {
  let row: readonly number[] = [];
  let sums = new Float64Array(0);
  return {
    add(part: Tensor, indices: readonly number[]) {
      const size = rowSize(part);
      if (sums.length === 0) {
        row = part.shape.slice(1);
        sums = new Float64Array(examples * size);
      }
      indices.forEach((index, i) => {
        for (let j = 0; j < size; j++) sums[index * size + j] += part.data[i * size + j];
      });
    },
    result: (): Tensor =>
      tensor(
        [examples, ...row],
        Float32Array.from(sums, (v) => v / draws),
      ),
  };
}
