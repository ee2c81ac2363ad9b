import { z } from "zod";
import { gradientsOf, roundsOf } from "./adaptive-rounds.ts";
import { AdaptiveSearch } from "./adaptive-search.ts";
import { ApgdSteps } from "./apgd.ts";
import { defineAttack } from "./define-attack.ts";
import { checkEpsilon, checkInputs } from "./preconditions.ts";
import { SQUARE_SHARE, SquareQueries } from "./square.ts";

/**
 * An ensemble of APGD and Square on x [batch, ...pixels] that spends its passes where they may break an image, similar to
 * Adaptive AutoAttack (Liu et al. 2022, arXiv:2203.05154). Here the attack on an image does not depend on other images.
 * Rounds of ascents maximise the margin of probabilities (arXiv:2411.15210), then the targeted DLR loss towards several
 * classes at once; the ascents that come closest continue. In ℓ1 there is also cross-entropy from several points. An
 * image leaves once it is broken, or if the ascents so far reduced its margin too little.
 */
export const adaptive = defineAttack({
  name: "adaptive",
  norms: ["linf", "l2", "l1"],
  summary:
    "apgd-pm, apgd-t (in ℓ1 apgd-ce as well) and square, each ascent and image only for as long as it may break the image",
  source: "in the manner of Liu et al. 2022, arXiv:2203.05154",
  asks: "losses",
  deterministicOnly: true,
  options: z.strictObject({ apgdSteps: ApgdSteps, squareQueries: SquareQueries }),
  sharedOptions: { apgdSteps: "apgdSteps", squareQueries: "squareQueries" },
  make(options) {
    const { norm, epsilon, apgdSteps: steps, squareQueries: queries } = options;
    const rounds = roundsOf(steps, norm);
    return {
      options: { norm, epsilon, steps, squareQueries: queries, restarts: 1 },
      passes: { gradients: gradientsOf(rounds, norm, epsilon), forwards: queries },
      async perturb(victim, x, labels, keys, onBroken) {
        checkInputs(x, labels, keys);
        checkEpsilon(norm, epsilon, x.shape.slice(1));
        const images = { x, labels, keys };
        const search = await AdaptiveSearch.begin(victim, { norm, epsilon }, images, onBroken);
        for (const [number, round] of rounds.entries()) await search.climb(round, number);
        await search.searchSquares({
          norm,
          epsilon,
          queries,
          share: SQUARE_SHARE,
          stopWhenBroken: true,
        });
        return search.adversarial;
      },
    };
  },
});
