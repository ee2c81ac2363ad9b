import { splitCall } from "../attacks/prefetch.ts";
import type { CallHints, LossAndGradient, Victim } from "../attacks/victim.ts";
import { ce } from "../losses/ce.ts";
import { takeLoss } from "../losses/plain.ts";
import type { Key } from "../math/random.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { batches, type Drawn, examplesAt } from "./eot-draws.ts";

/**
 * A victim whose class probabilities are the means of the probabilities of K draws: logits [batch, classes] are the
 * logarithms of the means. Its cross-entropy is −log (1/K) Σᵣ exp(−ℓᵣ) with the gradient Σᵣ softmax(−ℓ)ᵣ ∇ℓᵣ: draws that
 * give the label a higher probability weigh more. Takes one pass: the sums are kept relative to the largest −ℓᵣ so far, so
 * no draw is stored. Any loss but cross-entropy is an internal error. The objective is this project's.
 */
export function meanProbability(drawn: Drawn): Victim {
  const { model, draws } = drawn;
  const split = (keys: readonly Key[], x: Tensor, hints: CallHints | undefined) =>
    splitCall((all) => batches(all, drawn), keys, x.shape, hints);
  return {
    async logits(x, keys, hints) {
      const logs = logMeanProbabilities(keys.length, draws);
      for (const { batch, hints: own } of split(keys, x, hints))
        logs.add(await model.logits(examplesAt(x, batch.indices), batch.keys, own), batch.indices);
      return logs.result();
    },
    async lossAndGradient(x, loss, keys, hints) {
      if (loss.kind !== "ce")
        throw new Error(
          `internal: the mean probability needs cross-entropy, got loss ${loss.kind}`,
        );
      const weighted = weightedGradients(keys.length, draws, x);
      const logs = logMeanProbabilities(keys.length, draws);
      let answer: LossAndGradient | undefined;
      for (const { batch, hints: own } of split(keys, x, hints)) {
        const { indices } = batch;
        answer = await model.lossAndGradient(
          examplesAt(x, indices),
          takeLoss(ce(loss.labels), indices),
          batch.keys,
          { ...own, reuse: answer },
        );
        weighted.add(answer, indices);
        logs.add(answer.logits, indices);
      }
      const { losses, gradient } = weighted.result();
      return { losses, gradient, logits: logs.result() };
    },
  };
}

/** Accumulates Σᵣ exp(−ℓᵣ) and Σᵣ exp(−ℓᵣ) ∇ℓᵣ of each example, both divided by exp(`highest`). */
function weightedGradients(examples: number, draws: number, { shape, data }: Tensor) {
  const size = rowSize({ shape });
  const highest = new Float64Array(examples).fill(Number.NEGATIVE_INFINITY);
  const weights = new Float64Array(examples);
  const sums = new Float64Array(data.length);
  return {
    add({ losses, gradient }: LossAndGradient, indices: readonly number[]) {
      indices.forEach((index, i) => {
        const top = Math.max(highest[index], -losses[i]);
        const rescale = Math.exp(highest[index] - top);
        const weight = Math.exp(-losses[i] - top);
        highest[index] = top;
        weights[index] = rescale * weights[index] + weight;
        for (let j = 0; j < size; j++) {
          const at = index * size + j;
          sums[at] = rescale * sums[at] + weight * gradient.data[i * size + j];
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

/** Accumulates log (1/K) Σᵣ softmax(zᵣ) of each example, [examples, classes]. */
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
        const highest = z.reduce((max, v) => Math.max(max, v), Number.NEGATIVE_INFINITY);
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

/** log(eᵃ + eᵇ) for finite b. */
const logSum = (a: number, b: number): number =>
  Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
