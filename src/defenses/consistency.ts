import { z } from "zod";
import {
  add,
  exp,
  log,
  logSoftmax,
  mean,
  mul,
  neg,
  scalarLike,
  sub,
  sum,
} from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { crossEntropy } from "../losses/ce.ts";
import { defineDefense } from "./define-defense.ts";
import { injectedNoise } from "./injected-noise.ts";
import {
  copiesOf,
  copyFeeds,
  drawCopies,
  logitsOfCopies,
  meanOf,
  NormalNoise,
  underDraws,
} from "./noisy-copies.ts";
import type { LossObjective } from "./objective.ts";

/** Keeps the logarithm of a mean probability finite. */
const TINY = 1e-20;

/** KL(mean ‖ copy) averaged over copies and examples, and the entropy of the mean averaged over examples. */
function disagreement(copies: readonly Value[]): { divergence: Value; entropy: Value } {
  const logs = copies.map((logits) => logSoftmax(logits));
  const average = meanOf(logs.map((one) => exp(one)));
  const logAverage = log(add(average, scalarLike(average, TINY)));
  const divergences = logs.map((one) => mean(sum(mul(average, sub(logAverage, one)), [1])));
  const entropy = neg(mean(sum(mul(average, logAverage), [1])));
  return { divergence: meanOf(divergences), entropy };
}

const ConsistencyOptions = NormalNoise.extend({
  copies: z.int().min(2).default(2).describe("consistency: noisy copies of each image"),
  lambda: z
    .number()
    .positive()
    .default(20)
    .describe(
      "consistency: dimensionless weight of the divergence from the mean; 20 for σ 0.25, 10 for σ 0.5",
    ),
  eta: z
    .number()
    .nonnegative()
    .default(0.5)
    .describe("consistency: dimensionless weight of the entropy of the mean"),
});

/**
 * Consistency regularisation (Jeong & Shin 2020, arXiv:2006.04062, Eq. 9) on batches [batch, ...pixels] under noise: mean CE of
 * the copies, plus λ · KL(mean prediction ‖ prediction), plus η · entropy of the mean prediction.
 */
export const consistency = defineDefense({
  name: "consistency",
  source: "Jeong & Shin 2020, arXiv:2006.04062, Eq. 9",
  options: ConsistencyOptions,
  sharedOptions: { noise: "noise" },
  make({ noise: text, copies, lambda, eta }, context) {
    const noise = injectedNoise(context, ["normal"], text);
    const objective: LossObjective = {
      name: `consistency-${noise.name}`,
      arrays: ({ images }) => copiesOf(copies, images),
      loss(inputs) {
        const all = logitsOfCopies(inputs, copies);
        const accuracy = meanOf(all.map((logits) => mean(crossEntropy(logits, inputs.oneHot))));
        const { divergence, entropy } = disagreement(all);
        const weighted = add(
          mul(divergence, scalarLike(divergence, lambda)),
          mul(entropy, scalarLike(entropy, eta)),
        );
        return { loss: add(accuracy, weighted), logits: all[0] };
      },
      async feeds(_, x, _labels, keys) {
        const draws = await drawCopies(noise, copies, keys, x.shape);
        return copyFeeds(underDraws(noise, x, draws));
      },
    };
    return { objective, noise };
  },
});
