import type { Key } from "../math/random.ts";
import { concatRows, rows, type Tensor } from "../math/tensor.ts";
import { takeLoss } from "./losses.ts";
import type { Loss, LossAndGradient, Victim } from "./victim.ts";

/**
 * The same victim with at most `most` rows at once, whatever batch a call brings: an attack may then work on many examples
 * and drop those that are done, while the network meets full batches until the end.
 */
export function inRuns(victim: Victim, most: number): Victim {
  const parts = (count: number) =>
    Array.from({ length: Math.ceil(count / most) }, (_, i) => ({
      from: i * most,
      to: Math.min((i + 1) * most, count),
    }));
  return {
    async logits(x: Tensor, keys: readonly Key[]) {
      if (keys.length <= most) return victim.logits(x, keys);
      const all: Tensor[] = [];
      for (const { from, to } of parts(keys.length))
        all.push(await victim.logits(rows(x, from, to), keys.slice(from, to)));
      return concatRows(all);
    },
    async lossAndGradient(x: Tensor, loss: Loss, keys: readonly Key[]): Promise<LossAndGradient> {
      // The draws of an example's mean belong together; whoever asks for them counts rows himself.
      if (keys.length <= most || loss.kind === "of-mean")
        return victim.lossAndGradient(x, loss, keys);
      const all: LossAndGradient[] = [];
      for (const { from, to } of parts(keys.length)) {
        const own = Array.from({ length: to - from }, (_, i) => from + i);
        const part = await victim.lossAndGradient(
          rows(x, from, to),
          takeLoss(loss, own),
          keys.slice(from, to),
        );
        all.push(part);
      }
      return {
        losses: Float32Array.from(all.flatMap(({ losses }) => [...losses])),
        logits: concatRows(all.map(({ logits }) => logits)),
        gradient: concatRows(all.map(({ gradient }) => gradient)),
      };
    },
  };
}
