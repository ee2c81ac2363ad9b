import { prefetchBatch, prefetched } from "../attacks/prefetch.ts";
import type { LossAndGradient, Victim } from "../attacks/victim.ts";
import { ce, takeLoss } from "../losses/plain.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { batches, type Drawn, examplesAt } from "./eot-draws.ts";

/**
 * The victim whose probabilities are the means of the draws' probabilities; its logits are their logarithms. Its
 * cross-entropy is −log (1/K) Σᵣ exp(−ℓᵣ), with the gradient Σᵣ softmax(−ℓ)ᵣ ∇ℓᵣ: a draw counts the more, the surer it
 * is of the label. One pass: sums are kept relative to the largest −ℓᵣ so far, so no draw is stored.
 */
export function meanProbability(drawn: Drawn): Victim {
  const { model, draws } = drawn;
  return {
    prefetch(keys, shape) {
      const [first] = batches(keys, drawn);
      prefetchBatch(model, first, shape);
    },
    async logits(x, keys) {
      const logs = logMeanProbabilities(keys.length, draws);
      for (const { indices, own } of prefetched(model, batches(keys, drawn), x.shape))
        logs.add(await model.logits(examplesAt(x, indices), own), indices);
      return logs.result();
    },
    async lossAndGradient(x, loss, keys) {
      if (loss.kind !== "ce")
        throw new Error(
          `internal: the mean probability of a label is a cross-entropy, got the loss ${loss.kind}; ce alone may be averaged so`,
        );
      const weighted = weightedGradients(keys.length, draws, x);
      const logs = logMeanProbabilities(keys.length, draws);
      let part: LossAndGradient | undefined;
      for (const { indices, own } of prefetched(model, batches(keys, drawn), x.shape)) {
        const labels = takeLoss(ce(loss.labels), indices);
        part = await model.lossAndGradient(examplesAt(x, indices), labels, own, part);
        weighted.add(part, indices);
        logs.add(part.logits, indices);
      }
      return { ...weighted.result(), logits: logs.result() };
    },
  };
}

/** Σᵣ exp(−ℓᵣ) and Σᵣ exp(−ℓᵣ) ∇ℓᵣ of each example, both divided by exp(`highest`). */
function weightedGradients(examples: number, draws: number, { shape, data }: Tensor) {
  const size = rowSize({ shape });
  const highest = new Float64Array(examples).fill(Number.NEGATIVE_INFINITY);
  const weights = new Float64Array(examples);
  const sums = new Float64Array(data.length);
  return {
    add({ losses, gradient }: LossAndGradient, indices: readonly number[]) {
      indices.forEach((index, i) => {
        const top = Math.max(highest[index], -losses[i]);
        const kept = Math.exp(highest[index] - top);
        const weight = Math.exp(-losses[i] - top);
        highest[index] = top;
        weights[index] = kept * weights[index] + weight;
        for (let j = 0; j < size; j++) {
          const at = index * size + j;
          sums[at] = kept * sums[at] + weight * gradient.data[i * size + j];
        }
      });
    },
    result() {
      const gradient = new Float32Array(sums.length);
      for (let at = 0; at < sums.length; at++)
        gradient[at] = sums[at] / weights[Math.floor(at / size)];
      return {
        losses: Float32Array.from(weights, (w, i) => Math.log(draws) - highest[i] - Math.log(w)),
        gradient: tensor(shape, gradient),
      };
    },
  };
}

/** log (1/K) Σᵣ softmax(zᵣ) of each example, [examples, classes]. */
function logMeanProbabilities(examples: number, draws: number) {
  let classes = 0;
  let logs = new Float64Array(0);
  return {
    add(logits: Tensor, indices: readonly number[]) {
      if (logs.length === 0) {
        classes = rowSize(logits);
        logs = new Float64Array(examples * classes).fill(Number.NEGATIVE_INFINITY);
      }
      indices.forEach((index, i) => {
        const z = logits.data.subarray(i * classes, (i + 1) * classes);
        const highest = z.reduce((most, v) => Math.max(most, v), Number.NEGATIVE_INFINITY);
        const total = highest + Math.log(z.reduce((sum, v) => sum + Math.exp(v - highest), 0));
        for (let j = 0; j < classes; j++)
          logs[index * classes + j] = logSum(logs[index * classes + j], z[j] - total);
      });
    },
    result: (): Tensor =>
      tensor(
        [examples, classes],
        Float32Array.from(logs, (v) => v - Math.log(draws)),
      ),
  };
}

/** log(eᵃ + eᵇ), b finite. */
const logSum = (a: number, b: number): number =>
  Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
