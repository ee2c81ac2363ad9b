import { z } from "zod";
import { ce } from "../losses/ce.ts";
import { foldAll } from "../math/random.ts";
import { addScaled, clamp } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { defineAttack } from "./define-attack.ts";
import { checkEpsilon, checkGradient, checkInputs, checkLabels } from "./preconditions.ts";

/**
 * The fast gradient method (Goodfellow et al. 2015, arXiv:1412.6572): moves every example of x [batch, ...pixels] by one step of
 * length epsilon along the steepest ascent in the norm, clipped to [0, 1]. In ℓ1 the step changes a single pixel.
 */
export const fgsm = defineAttack({
  name: "fgsm",
  norms: ["linf", "l2", "l1"],
  summary: "one step of length ε along the gradient of the cross-entropy",
  source: "Goodfellow et al. 2015, arXiv:1412.6572",
  asks: "cross-entropy",
  options: z.strictObject({}),
  make: ({ norm, epsilon }) => ({
    options: { norm, epsilon, steps: 1 },
    async perturb(victim, x, labels, keys) {
      checkInputs(x, labels, keys);
      checkEpsilon(norm, epsilon, x.shape.slice(1));
      const { gradient, logits } = await victim.lossAndGradient(x, ce(labels), foldAll(keys, 0));
      checkLabels(labels, logits);
      checkGradient(gradient);
      return clamp(addScaled(x, balls[norm].steepest(gradient), epsilon), 0, 1);
    },
  }),
});
