import { z } from "zod";
import { ce } from "../losses/ce.ts";
import { difference } from "../losses/difference.ts";
import { marginsOf } from "../losses/margin.ts";
import { multiStart } from "./multi-start.ts";
import { inPaperBall, resolve, StopWhenBroken } from "./options.ts";
import type { BoundedAttack } from "./victim.ts";

/** The options of `pgd`. The norm is ℓ∞ or ℓ2, and epsilon a radius in that norm, for pixels in [0, 1]. */
export const PgdOptions = inPaperBall({
  steps: z.int().positive().default(20).describe("gradient steps"),
  stepSize: z
    .number()
    .positive()
    .optional()
    .describe("step size; ε / 5 by default, the authors' setting"),
  randomStart: z.boolean().default(true).describe("start from a random point of the ball"),
  restarts: z.int().positive().default(1).describe("starts; the result of highest loss is kept"),
  stopWhenBroken: StopWhenBroken,
});

/** The options of `pgdTargeted`; norm and epsilon as in `PgdOptions`. */
export const PgdTargetedOptions = inPaperBall({
  steps: z.int().positive().default(100).describe("gradient steps of each start"),
  stepSize: z.number().positive().optional().describe("size of the first step; by default ε / 2"),
  decay: z
    .number()
    .positive()
    .max(1)
    .default(0.98)
    .describe("factor on the step size after each step"),
  momentum: z
    .number()
    .min(0)
    .lt(1)
    .default(0.9)
    .describe("share of the direction that the previous steps decide"),
  randomStart: z.boolean().default(true).describe("start from a random point of the ball"),
  restarts: z.int().positive().default(5).describe("starts towards each target"),
  targets: z
    .int()
    .positive()
    .default(9)
    .describe("wrong classes to aim at, the likeliest on the clean image first"),
  stopWhenBroken: StopWhenBroken,
});

/** Options of `pgd` as a caller gives them. */
export type PgdSettings = z.input<typeof PgdOptions>;

/**
 * Projected gradient descent (Madry et al. 2018, arXiv:1706.06083) on the cross-entropy, of x [batch, ...pixels] in [0, 1]. The
 * candidate of each start is the last point of its ascent.
 */
export function pgd(options: PgdSettings): BoundedAttack {
  const resolved = resolve(PgdOptions, options);
  const { norm, epsilon, steps, randomStart, restarts, stopWhenBroken } = resolved;
  const stepSize = resolved.stepSize ?? epsilon / 5;
  return {
    name: `pgd-${norm}`,
    norm,
    epsilon,
    asks: "cross-entropy",
    options: { norm, epsilon, steps, stopWhenBroken, stepSize, randomStart, restarts },
    perturb: multiStart({
      ascent: { norm, epsilon, steps, length: () => stepSize, momentum: 0, stopWhenBroken },
      maxTargets: null,
      randomStart,
      restarts,
      loss: ({ labels }) => ce(labels),
      async judge(victim, points, { labels, keys }) {
        const { losses, logits } = await victim.lossAndGradient(points, ce(labels), keys);
        return { damage: losses, margins: marginsOf(logits, labels) };
      },
    }),
  };
}

/**
 * Multi-targeted projected gradient descent (Gowal et al. 2019, arXiv:1910.09338) of x [batch, ...pixels] in [0, 1]: maximises
 * z_target − z_label for one wrong class after another. A step follows the running average of gradients, in which each gradient
 * weighs `momentum` of the next one. Step t has length stepSize · decay^(t−1) / (1 − momentum^t), the bias correction of Adam
 * (arXiv:1412.6980). By default the first steps reach corners of the ball, and the last ones are ε/15 long.
 */
export function pgdTargeted(options: z.input<typeof PgdTargetedOptions>): BoundedAttack {
  const resolved = resolve(PgdTargetedOptions, options);
  const { norm, epsilon, steps, decay, momentum, stopWhenBroken } = resolved;
  const stepSize = resolved.stepSize ?? epsilon / 2;
  const length = (step: number) => (stepSize * decay ** (step - 1)) / (1 - momentum ** step);
  return {
    name: `pgd-t-${norm}`,
    norm,
    epsilon,
    asks: "losses",
    options: { ...resolved, stepSize },
    perturb: multiStart({
      ascent: { norm, epsilon, steps, length, momentum, stopWhenBroken },
      maxTargets: resolved.targets,
      randomStart: resolved.randomStart,
      restarts: resolved.restarts,
      loss({ labels, targets }, place) {
        const aims = targets.map((classes) => classes[place]);
        return difference(labels, aims);
      },
      async judge(victim, points, { labels, keys }) {
        const margins = marginsOf(await victim.logits(points, keys), labels);
        return { damage: margins, margins };
      },
    }),
  };
}
