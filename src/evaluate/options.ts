import { z } from "zod";
import { EpsilonL2, EpsilonLinf } from "../attacks/options.ts";
import { checkEpsilon } from "../attacks/preconditions.ts";
import { attackNamed, attackNames } from "../attacks/table.ts";
import type { BoundedAttack } from "../attacks/victim.ts";
import { unknownName } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";
import { ruleNamed } from "./rule.ts";

/** The natural accuracy alone, as a row like the others. */
export const NO_ATTACK = "none";

const AttackName = z.string().refine((name) => name === NO_ATTACK || attackNames.includes(name), {
  error: ({ input }) => unknownName("attack", String(input), [...attackNames, NO_ATTACK]),
});

/** What determines the rows of an evaluation. */
export const EvaluateOptions = z.strictObject({
  attacks: z
    .array(AttackName)
    .min(1)
    .default(["pgd-linf", "pgd-l2"])
    .describe(`attacks to run, separated by commas: ${attackNames.join(", ")}, ${NO_ATTACK}`),
  examples: z.int().positive().default(1000).describe("test images to attack: the first ones"),
  protocol: z
    .literal("sound", {
      error: ({ input }) => `protocol ${input} is not available; this version has sound`,
    })
    .default("sound")
    .describe("how a randomised model is judged: on fresh draws that no attack saw"),
  epsilonLinf: z
    .array(EpsilonLinf)
    .min(1)
    .default([0.031])
    .describe("radius in ℓ∞, for pixels in [0, 1]; several are a curve"),
  epsilonL2: z
    .array(EpsilonL2)
    .min(1)
    .default([0.83])
    .describe("radius in ℓ2, for pixels in [0, 1]; several are a curve"),
  steps: z.int().positive().default(20).describe("gradient steps"),
  stepSize: z.number().positive().optional().describe("by default ε / 5, the authors' setting"),
  restarts: z.int().positive().default(1).describe("starts, of which the highest loss is kept"),
  noise: z
    .string()
    .optional()
    .describe("noise at every prediction, such as normal:0.25; by default the model's own"),
  rule: z
    .string()
    .default("single")
    .describe("how a randomised model predicts: single, majority:k or mean:k draws"),
  draws: z
    .int()
    .min(2)
    .default(100)
    .describe("fresh draws that a randomised model is scored on; half of them choose the union"),
  eot: z
    .int()
    .positive()
    .default(16)
    .describe("draws averaged at each step of an attack on a randomised model"),
  objective: z
    .literal("mean-loss", {
      error: ({ input }) => `objective ${input} is not available; this version has mean-loss`,
    })
    .default("mean-loss")
    .describe("what an attack on a randomised model maximises: the mean of the draws' losses"),
  batch: z.int().positive().default(128).describe("rows per run of the network; changes no draw"),
  seed: z.int().nonnegative().default(0).describe("start of every random stream"),
});
export type EvaluateOptions = z.output<typeof EvaluateOptions>;

/** One attack at one radius; null stands for the clean image. */
export interface Cell {
  readonly attack: BoundedAttack | null;
  readonly name: string;
  readonly epsilon: number | null;
}

/** Every attack at every radius of its norm, in the order asked for. */
export function cellsOf(options: EvaluateOptions): Cell[] {
  const { steps, restarts } = options;
  const stepSize = options.stepSize === undefined ? {} : { stepSize: options.stepSize };
  return options.attacks.flatMap((name): Cell[] => {
    if (name === NO_ATTACK) return [{ attack: null, name, epsilon: null }];
    const { norm } = attackNamed(name);
    const radii = norm === "linf" ? options.epsilonLinf : options.epsilonL2;
    return radii.map((epsilon) => {
      const radius = norm === "linf" ? { epsilonLinf: epsilon } : { epsilonL2: epsilon };
      return {
        attack: attackNamed(name, { ...radius, steps, restarts, ...stepSize }),
        name,
        epsilon,
      };
    });
  });
}

/** Finds, before anything is computed or written, what is wrong with the options for pictures of `pixels` numbers. */
export function checkOptions(
  options: EvaluateOptions,
  { randomised, pixels }: { readonly randomised: boolean; readonly pixels: number },
): void {
  for (const { attack } of cellsOf(options))
    if (attack !== null) checkEpsilon(attack.norm, attack.epsilon, pixels);
  const rule = ruleNamed(options.rule);
  // An example of a randomised model is scored on two halves, each a whole number of predictions.
  if (randomised && options.draws % (2 * rule.draws) !== 0)
    throw new UsageError(
      `--draws ${options.draws} is no even number of predictions of ${rule.name}, which takes ${rule.draws} draws each; use a multiple of ${2 * rule.draws}`,
    );
}
