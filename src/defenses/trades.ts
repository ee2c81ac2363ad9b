import { z } from "zod";
import type { PaperNorm } from "../attacks/victim.ts";
import { add, mean, mul, scalarLike } from "../engine/graph/ops.ts";
import { crossEntropy } from "../losses/ce.ts";
import { divergence, klDivergence, probabilitiesOf } from "../losses/divergence.ts";
import { foldAll } from "../math/random.ts";
import { defineDefense } from "./define-defense.ts";
import {
  ascendFromNearby,
  type InnerAscent,
  InnerSteps,
  sameNames,
  trainingRadius,
} from "./inner-ascent.ts";
import type { LossObjective } from "./objective.ts";

/**
 * TRADES (Zhang et al. 2019, arXiv:1901.08573, Eq. 5): mean CE(f(x), y) + β · mean KL(f(x) ‖ f(x′)), for the x′ [batch,
 * ...pixels] in the ball that maximises the divergence. Both passes update running statistics, as in the authors' code.
 */
function tradesObjective(ascent: InnerAscent, beta: number): LossObjective {
  return {
    name: `trades-${ascent.norm}`,
    oneStep: ascent.steps === 1,
    arrays: ({ images }) => ({ clean: images, adversarial: images }),
    loss({ network, arrays, oneHot }) {
      const logits = network(arrays.clean);
      const attacked = network(arrays.adversarial, { updatesStatistics: true });
      const robust = mul(mean(klDivergence(logits, attacked)), scalarLike(logits, beta));
      return { loss: add(mean(crossEntropy(logits, oneHot)), robust), logits };
    },
    async feeds(model, x, labels, keys) {
      const probabilities = probabilitiesOf(await model.logits(x, foldAll(keys, 0)));
      const loss = divergence({ labels, probabilities });
      const batch = { x, loss, labels, keys: foldAll(keys, 1) };
      return { clean: x, adversarial: await ascendFromNearby(ascent, model, batch) };
    },
  };
}

const beta = z
  .number()
  .positive()
  .default(6)
  .describe("trades-*: weight of the divergence between clean and adversarial predictions");

const TradesLinf = InnerSteps.extend(trainingRadius.linf).extend({ beta });
const TradesL2 = InnerSteps.extend(trainingRadius.l2).extend({ beta });
const sharedBeta = { beta: "tradesBeta" };

const objectiveIn = (
  norm: PaperNorm,
  epsilon: number,
  { steps, stepSize = epsilon / 4, beta }: z.output<typeof InnerSteps> & { readonly beta: number },
) => ({ objective: tradesObjective({ norm, epsilon, steps, stepSize }, beta) });

/** TRADES in ℓ∞, on batches [batch, ...pixels] in [0, 1]. */
export const tradesLinf = defineDefense({
  name: "trades-linf",
  source: "Zhang et al. 2019, arXiv:1901.08573, Eq. 5",
  options: TradesLinf,
  sharedOptions: Object.assign(sameNames(TradesLinf), sharedBeta),
  make: (options) => objectiveIn("linf", options.epsilonLinf, options),
});

/** TRADES in ℓ2, on batches [batch, ...pixels] in [0, 1]. */
export const tradesL2 = defineDefense({
  name: "trades-l2",
  source: "Zhang et al. 2019, arXiv:1901.08573, Eq. 5",
  options: TradesL2,
  sharedOptions: Object.assign(sameNames(TradesL2), sharedBeta),
  make: (options) => objectiveIn("l2", options.epsilonL2, options),
});
