import { z } from "zod";
import {
  add,
  exp,
  log,
  max,
  mean,
  mul,
  neg,
  scalarLike,
  softmax,
  sub,
} from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { ce, crossEntropy } from "../losses/ce.ts";
import { klDivergence } from "../losses/divergence.ts";
import { defineDefense } from "./define-defense.ts";
import {
  ascendFromNearby,
  type InnerAscent,
  InnerSteps,
  sameNames,
  trainingRadius,
} from "./inner-ascent.ts";
import type { LossObjective } from "./objective.ts";

/** Keeps the logarithm of 1 − p finite where a wrong class has all the probability, as in the authors' code. */
const ABOVE_ONE = 1.0001;

/**
 * The boosted cross-entropy per example (Eq. 8): −log p_y − log(1 − the largest probability of another class), for logits and
 * one-hot labels [batch, classes] → [batch].
 */
function boostedCrossEntropy(logits: Value, oneHot: Value): Value {
  // Subtracting 1 at the label leaves the largest of the other probabilities, which are positive.
  const others = max(sub(softmax(logits), oneHot), [1]);
  return sub(crossEntropy(logits, oneHot), log(sub(scalarLike(logits, ABOVE_ONE), others)));
}

/**
 * MART (Wang et al. 2020, Eq. 11): mean BCE(f(x′), y) + λ · mean KL(f(x) ‖ f(x′)) · (1 − f(x)_y), for the x′ [batch, ...pixels]
 * that PGD finds. Both passes update running statistics, as in the authors' code.
 */
function martObjective(ascent: InnerAscent, lambda: number): LossObjective {
  return {
    name: `mart-${ascent.norm}`,
    oneStep: ascent.steps === 1,
    arrays: ({ images }) => ({ clean: images, adversarial: images }),
    exactLabels: true,
    loss({ network, arrays, oneHot }) {
      const clean = network(arrays.clean);
      const logits = network(arrays.adversarial, { updatesStatistics: true });
      const right = exp(neg(crossEntropy(clean, oneHot)));
      const doubt = sub(scalarLike(clean, 1), right);
      const robust = mul(mean(mul(klDivergence(clean, logits), doubt)), scalarLike(clean, lambda));
      return { loss: add(mean(boostedCrossEntropy(logits, oneHot)), robust), logits };
    },
    async feeds(model, x, labels, keys) {
      const batch = { x, loss: ce(labels), labels, keys };
      return { clean: x, adversarial: await ascendFromNearby(ascent, model, batch) };
    },
  };
}

const MartOptions = InnerSteps.extend(trainingRadius.linf).extend({
  lambda: z
    .number()
    .positive()
    .default(5)
    .describe(
      "mart-linf: dimensionless weight of the divergence; 5 in the paper, 6 in the authors' code",
    ),
});

/** MART in ℓ∞, on batches [batch, ...pixels] in [0, 1]. */
export const martLinf = defineDefense({
  name: "mart-linf",
  source:
    "Wang et al. 2020, Improving Adversarial Robustness Requires Revisiting Misclassified Examples, Eq. 11",
  options: MartOptions,
  sharedOptions: Object.assign(sameNames(MartOptions), { lambda: "martLambda" }),
  make({ epsilonLinf, steps, stepSize = epsilonLinf / 4, lambda }) {
    const ascent = { norm: "linf", epsilon: epsilonLinf, steps, stepSize } as const;
    return { objective: martObjective(ascent, lambda) };
  },
});
