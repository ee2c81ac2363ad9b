import { z } from "zod";
import { ce } from "../losses/ce.ts";
import { difference } from "../losses/difference.ts";
import { marginsOf } from "../losses/margin.ts";
import type { BallOptions } from "./attack-definition.ts";
import { defineAttack } from "./define-attack.ts";
import { multiStart } from "./multi-start.ts";
import { RandomStart, Restarts, StopWhenBroken, startOptions } from "./options.ts";
import type { PaperNorm } from "./victim.ts";

const PgdOptions = z.strictObject({
  steps: z.int().positive().default(20).describe("gradient steps of PGD"),
  stepSize: z
    .number()
    .positive()
    .optional()
    .describe("step size of PGD, for pixels in [0, 1]; ε / 5 by default, the authors' setting"),
  restarts: Restarts,
  randomStart: RandomStart,
  stopWhenBroken: StopWhenBroken,
});

/** Options of `pgd` as a caller gives them: a norm, a radius in that norm for pixels in [0, 1], and options of PGD. */
export type PgdSettings = z.input<typeof PgdOptions> & BallOptions<PaperNorm>;

/**
 * Projected gradient descent (Madry et al. 2018, arXiv:1706.06083) on the cross-entropy, of x [batch, ...pixels] in [0, 1]. The
 * candidate of each start is the last point of its ascent.
 *
 * @example
 * ```ts
 * import { classifier, keyOf, keysFor, nodeRuntime, openDataset, openModel, pgd } from "rampart/node";
 *
 * const { architecture, parameters } = await openModel("runs/at");
 * const network = classifier(await nodeRuntime(), architecture, parameters);
 * const { test } = await openDataset("shapes");
 * const attack = pgd({ norm: "linf", epsilon: 8 / 255, steps: 10 });
 * const keys = keysFor(keyOf(0), [0, 1]);
 * const labels = [test.labels[0], test.labels[1]];
 * const adversarial = await attack.perturb(network, test.images([0, 1]), labels, keys);
 * console.log(adversarial.shape); // [2, 3, 32, 32]
 * ```
 */
export const pgd = defineAttack({
  name: "pgd",
  norms: ["linf", "l2"],
  summary: "projected gradient descent on the cross-entropy",
  source: "Madry et al. 2018, arXiv:1706.06083",
  asks: "cross-entropy",
  options: PgdOptions,
  sharedOptions: { ...startOptions, steps: "steps", stepSize: "stepSize" },
  make({ norm, epsilon, steps, stepSize = epsilon / 5, restarts, randomStart, stopWhenBroken }) {
    return {
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
  },
});

/**
 * Multi-targeted projected gradient descent (Gowal et al. 2019, arXiv:1910.09338) of x [batch, ...pixels] in [0, 1]: maximises
 * z_target − z_label for one wrong class after another. A step follows the running average of gradients, in which each gradient
 * weighs `momentum` of the next one. Step t has length stepSize · decay^(t−1) / (1 − momentum^t), the bias correction of Adam
 * (arXiv:1412.6980). By default the first steps reach corners of the ball, and the last ones are ε/15 long.
 */
export const pgdTargeted = defineAttack({
  name: "pgd-t",
  norms: ["linf", "l2"],
  summary:
    "multi-targeted PGD with momentum on z_target − z_label, for 9 wrong classes, the likeliest first",
  source: "Gowal et al. 2019, arXiv:1910.09338",
  asks: "losses",
  options: z.strictObject({
    steps: z.int().positive().default(100).describe("gradient steps of each start of PGD-T"),
    stepSize: z
      .number()
      .positive()
      .optional()
      .describe("size of the first step, for pixels in [0, 1]; by default ε / 2"),
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
      .describe("share of the direction that comes from previous steps"),
    randomStart: RandomStart,
    restarts: z.int().positive().default(5).describe("starts towards each target"),
    targets: z
      .int()
      .positive()
      .default(9)
      .describe("number of target classes, the likeliest wrong ones on the clean image first"),
    stopWhenBroken: StopWhenBroken,
  }),
  sharedOptions: { ...startOptions, stepSize: null, decay: null, momentum: null, targets: null },
  make(options) {
    const { norm, epsilon, steps, decay, momentum, stopWhenBroken } = options;
    const stepSize = options.stepSize ?? epsilon / 2;
    const length = (step: number) => (stepSize * decay ** (step - 1)) / (1 - momentum ** step);
    return {
      options: { ...options, stepSize },
      perturb: multiStart({
        ascent: { norm, epsilon, steps, length, momentum, stopWhenBroken },
        maxTargets: options.targets,
        randomStart: options.randomStart,
        restarts: options.restarts,
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
  },
});
