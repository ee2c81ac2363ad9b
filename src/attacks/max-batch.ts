import { takeLoss } from "../losses/plain.ts";
import type { Key } from "../math/random.ts";
import { concatRows, rows, type Tensor } from "../math/tensor.ts";
import { prefetchBatch, prefetched } from "./prefetch.ts";
import type { LossAndGradient, Victim } from "./victim.ts";

/**
 * The same victim, which splits a call into batches of at maxBatch `maxBatch` rows. An attack may then start with many examples and
 * drop broken ones, while the network still gets full batches. x is [batch, ...pixels] for any batch size.
 */
export function withMaxBatch(victim: Victim, maxBatch: number): Victim {
  const parts = (keys: readonly Key[]) =>
    Array.from({ length: Math.ceil(keys.length / maxBatch) }, (_, i) => {
      const [from, to] = [i * maxBatch, Math.min((i + 1) * maxBatch, keys.length)];
      return { from, to, keys: keys.slice(from, to) };
    });
  return {
    prefetch: (keys, shape) => prefetchBatch(victim, parts(keys)[0], shape),
    async logits(x, keys) {
      if (keys.length <= maxBatch) return victim.logits(x, keys);
      const logits: Tensor[] = [];
      for (const part of prefetched(victim, parts(keys), x.shape))
        logits.push(await victim.logits(rows(x, part.from, part.to), part.keys));
      return concatRows(logits);
    },
    async lossAndGradient(x, loss, keys, over) {
      // The rows of an `of-mean` loss must not be split; its caller keeps within the limit.
      if (keys.length <= maxBatch || loss.kind === "of-mean")
        return victim.lossAndGradient(x, loss, keys, over);
      const answers: LossAndGradient[] = [];
      for (const part of prefetched(victim, parts(keys), x.shape)) {
        const { from, to } = part;
        const examples = part.keys.map((_, i) => from + i);
        const partLoss = takeLoss(loss, examples);
        answers.push(await victim.lossAndGradient(rows(x, from, to), partLoss, part.keys));
      }
      return {
        losses: Float32Array.from(answers.flatMap(({ losses }) => [...losses])),
        logits: concatRows(answers.map(({ logits }) => logits)),
        gradient: concatRows(answers.map(({ gradient }) => gradient)),
      };
    },
  };
}
