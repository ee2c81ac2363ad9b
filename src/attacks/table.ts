import { z } from "zod";
import { unknownName } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";
import { CwOptions, cw } from "./cw.ts";
import { EpsilonL2, EpsilonLinf, resolve } from "./options.ts";
import { pgd } from "./pgd.ts";
import type { BoundedAttack, MinimalAttack } from "./victim.ts";

/** The options that attacks by name share; each attack takes those that concern it. */
export const AttackOptions = z.strictObject({
  epsilonLinf: EpsilonLinf.default(0.031).describe("radius in ℓ∞, for pixels in [0, 1]"),
  epsilonL2: EpsilonL2.default(0.83).describe("radius in ℓ2, for pixels in [0, 1]"),
  steps: z.int().positive().default(20).describe("gradient steps"),
  stepSize: z.number().positive().optional().describe("by default ε / 5, the authors' setting"),
  restarts: z.int().positive().default(1).describe("starts, of which the highest loss is kept"),
  randomStart: z.boolean().default(true).describe("start from a random point of the ball"),
});
export type AttackOptions = z.output<typeof AttackOptions>;

/** One entry per attack; its position is of no meaning, its name is a contract. */
const attacks: Readonly<Record<string, (options: AttackOptions) => BoundedAttack>> = {
  "pgd-linf": ({ epsilonLinf, epsilonL2: _, ...rest }) =>
    pgd({ norm: "linf", epsilon: epsilonLinf, ...rest }),
  "pgd-l2": ({ epsilonL2, epsilonLinf: _, ...rest }) =>
    pgd({ norm: "l2", epsilon: epsilonL2, ...rest }),
};

/** Every bounded attack that the command line knows. */
export const attackNames: readonly string[] = Object.keys(attacks);

/** The bounded attack of this name, with the paper's settings where options are left out. */
export function attackNamed(
  name: string,
  options: z.input<typeof AttackOptions> = {},
): BoundedAttack {
  if (!Object.hasOwn(attacks, name)) throw new UsageError(unknownName("attack", name, attackNames));
  return attacks[name](resolve(AttackOptions, options));
}

const { steps, searches, learningRate, initialConstant, confidence, abortEarly } = CwOptions.shape;

/** The options of minimum-norm attacks by name; those of one attack alone bear its name. */
export const MinimalAttackOptions = z.strictObject({
  cwSteps: steps.describe("gradient steps of each search of C&W"),
  cwSearches: searches.describe("searches of C&W: constants c that each image is tried with"),
  cwLearningRate: learningRate.describe("Adam's learning rate in C&W"),
  cwInitialConstant: initialConstant.describe("the first constant c of C&W"),
  cwConfidence: confidence.describe("margin, in logits, by which C&W must be misclassified"),
  cwAbortEarly: abortEarly.describe("C&W ends a search whose loss no longer falls"),
});
export type MinimalAttackOptions = z.output<typeof MinimalAttackOptions>;

const minimalAttacks: Readonly<Record<string, (options: MinimalAttackOptions) => MinimalAttack>> = {
  "cw-l2": (options) =>
    cw({
      steps: options.cwSteps,
      searches: options.cwSearches,
      learningRate: options.cwLearningRate,
      initialConstant: options.cwInitialConstant,
      confidence: options.cwConfidence,
      abortEarly: options.cwAbortEarly,
    }),
};

/** Every minimum-norm attack that the command line knows. */
export const minimalAttackNames: readonly string[] = Object.keys(minimalAttacks);

/** The minimum-norm attack of this name, with its authors' settings where options are left out. */
export function minimalAttackNamed(
  name: string,
  options: z.input<typeof MinimalAttackOptions> = {},
): MinimalAttack {
  if (!Object.hasOwn(minimalAttacks, name))
    throw new UsageError(unknownName("attack", name, minimalAttackNames));
  return minimalAttacks[name](resolve(MinimalAttackOptions, options));
}
