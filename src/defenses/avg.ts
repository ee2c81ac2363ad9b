import { add, mean, mul, scalarLike } from "../engine/graph/ops.ts";
import { crossEntropy } from "../losses/ce.ts";
import { defineDefense } from "./define-defense.ts";
import { sameNames } from "./inner-ascent.ts";
import type { LossObjective } from "./objective.ts";
import { attacksInNorms, candidatesOf, normsOf, SeveralNorms } from "./several-norms.ts";

/**
 * The mean loss over the attacks of several norms (Tramèr & Boneh 2019, arXiv:1904.13000, §2.2, "avg"), on batches [batch,
 * ...pixels] in [0, 1]: one forward pass per norm, all of which update running statistics.
 */
export const avg = defineDefense({
  name: "avg",
  source: "Tramèr & Boneh 2019, arXiv:1904.13000, §2.2",
  options: SeveralNorms,
  sharedOptions: sameNames(SeveralNorms),
  make(options) {
    const attacks = attacksInNorms(options);
    const norms = normsOf(options);
    const objective: LossObjective = {
      name: `avg ${norms.join(",")}`,
      arrays: ({ images }) => Object.fromEntries(norms.map((norm) => [norm, images])),
      loss({ network, arrays, oneHot }) {
        const passes = norms.map((norm) => network(arrays[norm], { updatesStatistics: true }));
        const losses = passes.map((logits) => mean(crossEntropy(logits, oneHot)));
        const total = losses.reduce(add);
        const [logits] = passes;
        return { loss: mul(total, scalarLike(logits, 1 / norms.length)), logits };
      },
      async feeds(model, x, labels, keys) {
        const candidates = await candidatesOf(attacks, model, x, labels, keys);
        return Object.fromEntries(norms.map((norm, i) => [norm, candidates[i]]));
      },
    };
    return { objective, attacks };
  },
});
