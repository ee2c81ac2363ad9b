import { z } from "zod";
import {
  abs,
  add,
  and,
  cast,
  equal,
  greater,
  log,
  max,
  maximum,
  mean,
  mul,
  neg,
  not,
  reshape,
  scalarLike,
  softmax,
  stopGradient,
  sub,
  sum,
} from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { normalQuantile, SMALLEST_PROBABILITY } from "../losses/normal-quantile.ts";
import { UsageError } from "../math/usage-error.ts";
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

const MacerOptions = NormalNoise.extend({
  copies: z.int().min(2).default(16).describe("macer: noisy copies of each image"),
  lambda: z
    .number()
    .positive()
    .default(12)
    .describe(
      "macer: weight of the loss of the radius for pixels in [0, 1]; 12 for σ 0.25, 4 for σ 0.5",
    ),
  gamma: z
    .number()
    .positive()
    .default(8)
    .describe("macer: largest difference of normal quantiles that counts; a factor on σ/2"),
  beta: z.number().positive().default(16).describe("macer: factor on the logits of the votes"),
});

/** The largest of each row of probabilities [batch, classes], and the largest of the others, [batch]. */
function topTwo(probabilities: Value): { readonly first: Value; readonly second: Value } {
  const first = max(probabilities, [1], true);
  const isFirst = cast(equal(probabilities, first), "float32");
  const others = sub(probabilities, stopGradient(mul(isFirst, scalarLike(first, 2))));
  return { first: reshape(first, [first.shape[0]]), second: max(others, [1]) };
}

/**
 * σ/2 · max(0, γ − (Φ⁻¹(p_A) − Φ⁻¹(p_B))) per example, for the votes [batch, classes] and one-hot labels: 0 where the vote is
 * wrong, or is so clear that float32 has no quantile for it.
 */
function radiusHinge(votes: Value, oneHot: Value, sigma: number, gamma: number): Value {
  const { first, second } = topTwo(votes);
  const gap = sub(normalQuantile(first), normalQuantile(second));
  const own = sum(mul(votes, oneHot), [1]);
  const isClear = greater(second, scalarLike(second, SMALLEST_PROBABILITY));
  const counts = and(
    not(greater(first, own)),
    and(isClear, not(greater(abs(gap), scalarLike(gap, gamma)))),
  );
  const hinge = maximum(sub(scalarLike(gap, gamma), gap), scalarLike(gap, 0));
  return mul(mul(hinge, stopGradient(cast(counts, "float32"))), scalarLike(gap, sigma / 2));
}

/** The standard deviation in the name of a normal noise, such as `normal:0.25`. */
function deviationOf(name: string): number {
  const sigma = Number(name.split(":")[1]);
  if (Number.isFinite(sigma)) return sigma;
  throw new UsageError(`macer needs normal noise, got ${name}; write normal:0.25`, {
    code: "misfit",
  });
}

/** Keeps the logarithm of a mean probability finite. */
const TINY = 1e-20;

/**
 * MACER (Zhai et al. 2020, arXiv:2001.02378, Alg. 1) on batches [batch, ...pixels] under normal noise: the negative
 * log-likelihood of the mean probability of the copies, plus λ times a hinge on the certified radius of the soft votes.
 */
export const macer = defineDefense({
  name: "macer",
  source: "Zhai et al. 2020, arXiv:2001.02378, Alg. 1",
  options: MacerOptions,
  sharedOptions: { noise: "noise" },
  make({ noise: text, copies, lambda, gamma, beta }, context) {
    const noise = injectedNoise(context, ["normal"], text);
    const sigma = deviationOf(noise.name);
    const objective: LossObjective = {
      name: `macer-${noise.name}`,
      arrays: ({ images }) => copiesOf(copies, images),
      exactLabels: true,
      loss(inputs) {
        const { oneHot } = inputs;
        const all = logitsOfCopies(inputs, copies);
        const smoothed = meanOf(all.map((logits) => softmax(logits)));
        const own = sum(mul(smoothed, oneHot), [1]);
        const accuracy = neg(mean(log(add(own, scalarLike(own, TINY)))));
        const votes = meanOf(all.map((logits) => softmax(mul(logits, scalarLike(logits, beta)))));
        const robust = mean(radiusHinge(votes, oneHot, sigma, gamma));
        return { loss: add(accuracy, mul(robust, scalarLike(robust, lambda))), logits: smoothed };
      },
      async feeds(_, x, _labels, keys) {
        return copyFeeds(underDraws(noise, x, await drawCopies(noise, copies, keys, x.shape)));
      },
    };
    return { objective, noise };
  },
});
