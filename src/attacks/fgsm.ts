import type { z } from "zod";
import { ce } from "../losses/ce.ts";
import { foldAll } from "../math/random.ts";
import { addScaled, clamp, rowSize } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { inBall, resolve } from "./options.ts";
import { checkEpsilon, checkGradient, checkInputs, checkLabels } from "./preconditions.ts";
import type { BoundedAttack } from "./victim.ts";

export const FgsmOptions = inBall({});

/**
 * The fast gradient method (Goodfellow et al. 2015, arXiv:1412.6572): one step of length epsilon, the steepest in its norm,
 * clipped to the box; in ℓ1 all of it goes to one pixel. It moves every example, misclassified or not.
 */
export function fgsm(options: z.input<typeof FgsmOptions>): BoundedAttack {
  const { norm, epsilon } = resolve(FgsmOptions, options);
  return {
    name: `fgsm-${norm}`,
    norm,
    epsilon,
    asks: "cross-entropy",
    options: { norm, epsilon, steps: 1 },
    async perturb(victim, x, labels, keys) {
      checkInputs(x, labels, keys);
      checkEpsilon(norm, epsilon, rowSize(x));
      const { gradient, logits } = await victim.lossAndGradient(x, ce(labels), foldAll(keys, 0));
      checkLabels(labels, logits);
      checkGradient(gradient);
      return clamp(addScaled(x, balls[norm].steepest(gradient), epsilon), 0, 1);
    },
  };
}
