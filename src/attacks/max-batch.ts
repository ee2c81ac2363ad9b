import { takeLoss } from "../losses/plain.ts";
import type { Key } from "../math/random.ts";
import { concatRows, rows, type Tensor } from "../math/tensor.ts";
import { prefetchBatch, prefetched } from "./prefetch.ts";
import type { Loss, LossAndGradient, Victim } from "./victim.ts";

/**
 * The same victim with at most `most` rows at once, whatever batch a call brings: an attack may then work on many examples
 * and drop those that are done, while the network meets full batches until the end.
 */
export function withMaxBatch(victim: Victim, most: number): Victim {
  const parts = (keys: readonly Key[]) =>
    Array.from({ length: Math.ceil(keys.length / most) }, (_, i) => {
      const [from, to] = [i * most, Math.min((i + 1) * most, keys.length)];
      return { from, to, own: keys.slice(from, to) };
    });
  return {
    prefetch: (keys, shape) => prefetchBatch(victim, parts(keys)[0], shape),
    async logits(x: Tensor, keys: readonly Key[]) {
      if (keys.length <= most) return victim.logits(x, keys);
      const all: Tensor[] = [];
      for (const { from, to, own } of prefetched(victim, parts(keys), x.shape))
        all.push(await victim.logits(rows(x, from, to), own));
      return concatRows(all);
    },
    async lossAndGradient(
      x: Tensor,
      loss: Loss,
      keys: readonly Key[],
      over?: LossAndGradient,
    ): Promise<LossAndGradient> {
      // The draws of an example's mean belong together; whoever asks for them counts rows himself.
      if (keys.length <= most || loss.kind === "of-mean")
        return victim.lossAndGradient(x, loss, keys, over);
      const all: LossAndGradient[] = [];
      for (const { from, to, own } of prefetched(victim, parts(keys), x.shape)) {
        const examples = own.map((_, i) => from + i);
        all.push(await victim.lossAndGradient(rows(x, from, to), takeLoss(loss, examples), own));
      }
      return {
        losses: Float32Array.from(all.flatMap(({ losses }) => [...losses])),
        logits: concatRows(all.map(({ logits }) => logits)),
        gradient: concatRows(all.map(({ gradient }) => gradient)),
      };
    },
  };
}
