import { z } from "zod";
import { balls } from "../attacks/balls.ts";
import type { Labels, Victim } from "../attacks/victim.ts";
import { mean } from "../engine/graph/ops.ts";
import { ce, crossEntropy } from "../losses/ce.ts";
import { foldAll, type Key } from "../math/random.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import type { Noise } from "../noise/noise.ts";
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

/**
 * The gradient at x [batch, ...pixels] of −log of the mean probability of the label over these draws: the mean of the gradients
 * of the draws, weighted by the probability that each gives the label.
 */
async function smoothedGradient(
  model: Victim,
  noisy: readonly Tensor[],
  labels: Labels,
  keys: readonly Key[],
): Promise<Tensor> {
  const [first] = noisy;
  const size = rowSize(first);
  const gradient = tensor(first.shape);
  const answers: { losses: Float32Array; gradient: Tensor }[] = [];
  for (const [i, copy] of noisy.entries()) {
    const answer = await model.lossAndGradient(copy, ce(labels), foldAll(keys, i));
    answers.push({ losses: answer.losses.slice(), gradient: answer.gradient });
  }
  for (const row of labels.keys()) {
    const least = Math.min(...answers.map(({ losses }) => losses[row]));
    const weights = answers.map(({ losses }) => Math.exp(least - losses[row]));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [i, answer] of answers.entries())
      for (let at = row * size; at < (row + 1) * size; at++)
        gradient.data[at] += (weights[i] / total) * answer.gradient.data[at];
  }
  return gradient;
}

/** How the smoothed classifier is attacked; the radius is in ℓ2, for pixels in [0, 1]. */
interface SmoothAttack {
  readonly noise: Noise;
  readonly radius: number;
  readonly steps: number;
}

/** x [batch, ...pixels] attacked in ℓ2 under fixed draws, from the clean image; steps of 2 · radius / steps. */
async function attackUnderDraws(
  { noise, radius, steps }: SmoothAttack,
  model: Victim,
  {
    x,
    labels,
    keys,
  }: { readonly x: Tensor; readonly labels: Labels; readonly keys: readonly Key[] },
  draws: readonly Tensor[],
): Promise<Tensor> {
  let at = x;
  for (let step = 1; step <= steps; step++) {
    const noisy = underDraws(noise, at, draws);
    const gradient = await smoothedGradient(model, noisy, labels, foldAll(keys, step));
    at = balls.l2.ascend(at, gradient, (2 * radius) / steps, x, radius);
  }
  return at;
}

const SmoothAdvOptions = NormalNoise.extend({
  copies: z.int().positive().default(2).describe("smoothadv: noisy copies of each image"),
  radius: z
    .number()
    .positive()
    .default(64 / 255)
    .describe(
      "smoothadv: ℓ2 radius of the attack on the smoothed classifier, for pixels in [0, 1]",
    ),
  steps: z.int().positive().default(2).describe("smoothadv: steps of the attack"),
});

/**
 * SmoothAdv with PGD (Salman et al. 2019, arXiv:1906.04584, Alg. 1) on batches [batch, ...pixels]: attacks the soft smoothed
 * classifier of some draws in ℓ2, and trains on the attacked images under the same draws.
 */
export const smoothadv = defineDefense({
  name: "smoothadv",
  source: "Salman et al. 2019, arXiv:1906.04584, Alg. 1",
  options: SmoothAdvOptions,
  sharedOptions: { noise: "noise" },
  make({ noise: text, copies, radius, steps }, context) {
    const noise = injectedNoise(context, ["normal"], text);
    const attack = { noise, radius, steps };
    const objective: LossObjective = {
      name: `smoothadv-${noise.name}`,
      arrays: ({ images }) => copiesOf(copies, images),
      loss(inputs) {
        const all = logitsOfCopies(inputs, copies);
        const losses = all.map((logits) => mean(crossEntropy(logits, inputs.oneHot)));
        return { loss: meanOf(losses), logits: all[0] };
      },
      async feeds(model, x, labels, keys) {
        const draws = await drawCopies(noise, copies, foldAll(keys, 0), x.shape);
        const batch = { x, labels, keys: foldAll(keys, 1) };
        const attacked = await attackUnderDraws(attack, model, batch, draws);
        return copyFeeds(underDraws(noise, attacked, draws));
      },
    };
    return { objective, noise };
  },
});
