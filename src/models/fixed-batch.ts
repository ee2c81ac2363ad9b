import type { Loss } from "../losses/loss.ts";
import type { RowLoss } from "../losses/table.ts";
import type { Key } from "../math/random.ts";
import { concatRows, rows, type Tensor } from "../math/tensor.ts";
import { padded } from "./batch-size.ts";
import type { Answer, Classifier } from "./classifier.ts";
import type { CompiledLoss } from "./compiled-loss.ts";

/** A loss of rows `from` to `from + size`; rows that are missing at the end have label 0. */
function lossOfRows(loss: RowLoss, from: number, size: number): Loss {
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
 * padded. The loss of a mean of draws, whose rows may lie in several pieces, takes two passes: all logits, whose slopes
 * `means` knows, and then the gradient along these.
 */
export function withFixedBatch(size: number, network: Classifier, means: CompiledLoss): Classifier {
  const pieces = (count: number) =>
    Array.from({ length: Math.ceil(count / size) }, (_, i) => [
      i * size,
      Math.min((i + 1) * size, count),
    ]);
  const keyed = <K>(keys: readonly K[], from: number) =>
    Array.from({ length: size }, (_, i) => keys[Math.min(from + i, keys.length - 1)]);
  async function logitsOf(x: Tensor, keys: readonly Key[]): Promise<Tensor> {
    const parts: Tensor[] = [];
    for (const [from, to] of pieces(keys.length)) {
      const whole = await network.logits(padded(rows(x, from, to), size), keyed(keys, from));
      parts.push(rows(whole, 0, to - from));
    }
    return concatRows(parts);
  }
  async function rowByRow(x: Tensor, loss: RowLoss, keys: readonly Key[]): Promise<Answer> {
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
  }
  return {
    architecture: network.architecture,
    async logits(x, keys) {
      return keys.length === 0 ? network.logits(x, keys) : logitsOf(x, keys);
    },
    async lossAndGradient(x, loss, keys) {
      if (keys.length === 0) return network.lossAndGradient(x, loss, keys);
      if (loss.kind !== "of-mean") return rowByRow(x, loss, keys);
      const logits = await logitsOf(x, keys);
      const { losses, slopes } = await means.run(loss, logits);
      const { gradient } = await rowByRow(x, { kind: "linear", weights: slopes }, keys);
      return { losses, logits, gradient };
    },
    async release() {
      await network.release();
      await means.release();
    },
  };
}
