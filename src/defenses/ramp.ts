import { z } from "zod";
import type { Labels } from "../attacks/victim.ts";
import {
  add,
  cast,
  div,
  greater,
  max,
  maximum,
  mean,
  mul,
  not,
  scalarLike,
  stopGradient,
  sum,
} from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { crossEntropy } from "../losses/ce.ts";
import { klDivergence } from "../losses/divergence.ts";
import { foldAll } from "../math/random.ts";
import { defineDefense } from "./define-defense.ts";
import { sameNames } from "./inner-ascent.ts";
import { mostDamaging } from "./mixed.ts";
import type { LossObjective } from "./objective.ts";
import { attacksInNorms, candidatesOf, SeveralNorms } from "./several-norms.ts";

/** 1 for each row whose largest logit is that of its label, ties included, and 0 elsewhere: [batch, classes] → [batch]. */
function isRight(logits: Value, oneHot: Value): Value {
  const own = sum(mul(logits, oneHot), [1]);
  return stopGradient(cast(not(greater(max(logits, [1]), own)), "float32"));
}

/**
 * The divergence of the predictions under the second norm from those under the first, over the examples that the first leaves
 * right; 0 if there are none.
 */
function pairing(first: Value, second: Value, oneHot: Value): Value {
  const right = isRight(first, oneHot);
  const count = maximum(sum(right), scalarLike(first, 1));
  return div(sum(mul(klDivergence(first, second), right)), count);
}

const RampOptions = SeveralNorms.omit({ norms: true }).extend({
  norms: z
    .enum(["linf,l1", "linf,l2", "l2,l1", "l1,linf", "l2,linf", "l1,l2"])
    .default("linf,l1")
    .describe("ramp: the two norms whose predictions are paired; the first is the reference"),
  lambda: z
    .number()
    .positive()
    .default(5)
    .describe(
      "ramp: dimensionless weight of the divergence between the norms; 5 from scratch, 1.5 for fine-tuning",
    ),
});

/**
 * Logit pairing of RAMP (Jiang & Singh 2024, arXiv:2402.06827, §4.1): mean CE of the worse of two attacks per example, plus λ
 * times the divergence between the predictions under both. The gradient projection of §4.2, which averages whole epochs of
 * natural training into the weights, is not part of it.
 */
export const ramp = defineDefense({
  name: "ramp",
  source: "Jiang & Singh 2024, arXiv:2402.06827, §4.1",
  options: RampOptions,
  sharedOptions: Object.assign(sameNames(RampOptions), { norms: "norms", lambda: "rampLambda" }),
  make(options) {
    const attacks = attacksInNorms(options);
    const objective: LossObjective = {
      name: `ramp ${options.norms}`,
      arrays: ({ images }) => ({ first: images, second: images, worst: images }),
      exactLabels: true,
      loss({ network, arrays, oneHot }) {
        const all = { updatesStatistics: true };
        const second = network(arrays.second, all);
        const first = network(arrays.first, all);
        const logits = network(arrays.worst, all);
        const paired = mul(pairing(first, second, oneHot), scalarLike(first, options.lambda));
        return { loss: add(mean(crossEntropy(logits, oneHot)), paired), logits };
      },
      async feeds(model, x, labels: Labels, keys) {
        const candidates = await candidatesOf(attacks, model, x, labels, foldAll(keys, 1));
        const [first, second] = candidates;
        const worst = await mostDamaging(model, candidates, labels, foldAll(keys, 0));
        return { first, second, worst };
      },
    };
    return { objective, attacks };
  },
});
