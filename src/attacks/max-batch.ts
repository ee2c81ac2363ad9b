import { takeLoss } from "../losses/plain.ts";
import type { Key } from "../math/random.ts";
import { concatRows, rows, type Tensor } from "../math/tensor.ts";
import { firstOf, splitCall } from "./prefetch.ts";
import type { CallHints, LossAndGradient, Victim } from "./victim.ts";

/** Rows `from` to `to` of a call, and their keys. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly keys: readonly Key[];
}

/**
 * The same victim, which splits a call into batches of at most `maxBatch` rows. An attack may then start with many examples and
 * drop broken ones, while the network still gets full batches. x is [batch, ...pixels] for any batch size.
 */
export function withMaxBatch(victim: Victim, maxBatch: number): Victim {
  const parts = (keys: readonly Key[]) =>
    Array.from({ length: Math.ceil(keys.length / maxBatch) }, (_, i): Part => {
      const [from, to] = [i * maxBatch, Math.min((i + 1) * maxBatch, keys.length)];
      return { from, to, keys: keys.slice(from, to) };
    });
  /** The hints of a call that is not split; the next call may be split. */
  const whole = (hints: CallHints | undefined) =>
    hints?.next === undefined ? hints : { ...hints, next: firstOf(parts, hints.next) };
  return {
    async logits(x, keys, hints) {
      if (keys.length <= maxBatch) return victim.logits(x, keys, whole(hints));
      const logits: Tensor[] = [];
      for (const { batch, hints: own } of splitCall(parts, keys, x.shape, hints)) {
        const { from, to } = batch;
        logits.push(await victim.logits(rows(x, from, to), batch.keys, own));
      }
      return concatRows(logits);
    },
    async lossAndGradient(x, loss, keys, hints) {
      // The rows of an `of-mean` loss must not be split; the caller respects the limit.
      if (keys.length <= maxBatch || loss.kind === "of-mean")
        return victim.lossAndGradient(x, loss, keys, whole(hints));
      const answers: LossAndGradient[] = [];
      for (const { batch, hints: own } of splitCall(parts, keys, x.shape, hints)) {
        const { from, to } = batch;
        const examples = batch.keys.map((_, i) => from + i);
        const partLoss = takeLoss(loss, examples);
        answers.push(await victim.lossAndGradient(rows(x, from, to), partLoss, batch.keys, own));
      }
      return {
        losses: Float32Array.from(answers.flatMap(({ losses }) => [...losses])),
        logits: concatRows(answers.map(({ logits }) => logits)),
        gradient: concatRows(answers.map(({ gradient }) => gradient)),
      };
    },
  };
}
