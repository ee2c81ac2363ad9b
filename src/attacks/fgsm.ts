import type { z } from "zod";
import { ce } from "../losses/ce.ts";
import { foldAll } from "../math/random.ts";
import { addScaled, clamp, rowSize } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { inBall, resolve } from "./options.ts";
import { checkEpsilon, checkGradient, checkInputs, checkLabels } from "./preconditions.ts";
import type { BoundedAttack } from "./victim.ts";

/** The options of `fgsm`: a norm and a radius epsilon in that norm, for pixels in [0, 1]. */
export const FgsmOptions = inBall({});

/**
 * The fast gradient method (Goodfellow et al. 2015, arXiv:1412.6572): moves every example of x [batch, ...pixels] by one step of
 * length epsilon along the steepest ascent in the norm, clipped to [0, 1]. In ℓ1 the step changes a single pixel.
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
