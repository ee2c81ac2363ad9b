import { concatRows, rows, type Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { padded } from "./batch-size.ts";
import type { Classifier } from "./classifier.ts";
import type { LossData } from "./losses.ts";

/** A loss of rows `from` to `from + size`; rows that are missing at the end have label 0. */
function lossOfRows(loss: LossData, from: number, size: number): LossData {
  if (loss.kind === "of-mean")
    throw new UsageError(
      `this file can only be run in batches of ${size}, so a loss of the mean of ${loss.draws} draws has no gradient; use --objective mean-loss, or export the model with an open batch`,
    );
  if (loss.kind === "linear") {
    const to = Math.min(from + size, loss.weights.shape[0]);
    return { kind: "linear", weights: padded(rows(loss.weights, from, to), size) };
  }
  const part = (labels: readonly number[]) =>
    Array.from({ length: size }, (_, i) => labels[from + i] ?? 0);
  return "targets" in loss
    ? { ...loss, labels: part(loss.labels), targets: part(loss.targets) }
    : { ...loss, labels: part(loss.labels) };
}

/**
 * A network that can be run in one batch size alone, for any: the rows go through it in pieces of `size`, the last one
 * padded.
 */
export function inBatchesOf(size: number, network: Classifier): Classifier {
  const pieces = (count: number) =>
    Array.from({ length: Math.ceil(count / size) }, (_, i) => [
      i * size,
      Math.min((i + 1) * size, count),
    ]);
  const keyed = <K>(keys: readonly K[], from: number) =>
    Array.from({ length: size }, (_, i) => keys[Math.min(from + i, keys.length - 1)]);
  return {
    ...network,
    async logits(x, keys) {
      if (keys.length === 0) return network.logits(x, keys);
      const parts: Tensor[] = [];
      for (const [from, to] of pieces(keys.length)) {
        const whole = await network.logits(padded(rows(x, from, to), size), keyed(keys, from));
        parts.push(rows(whole, 0, to - from));
      }
      return concatRows(parts);
    },
    async lossAndGradient(x, loss, keys) {
      if (keys.length === 0) return network.lossAndGradient(x, loss, keys);
      const losses: number[] = [];
      const logits: Tensor[] = [];
      const gradients: Tensor[] = [];
      for (const [from, to] of pieces(keys.length)) {
        const part = await network.lossAndGradient(
          padded(rows(x, from, to), size),
          lossOfRows(loss, from, size),
          keyed(keys, from),
        );
        losses.push(...part.losses.subarray(0, to - from));
        logits.push(rows(part.logits, 0, to - from));
        gradients.push(rows(part.gradient, 0, to - from));
      }
      return {
        losses: Float32Array.from(losses),
        logits: concatRows(logits),
        gradient: concatRows(gradients),
      };
    },
  };
}
