import { z } from "zod";
import { EpsilonL1, EpsilonL2, EpsilonLinf } from "../attacks/options.ts";
import {
  AttackOptions,
  attackNames,
  MinimalAttackOptions,
  minimalAttackNames,
} from "../attacks/table.ts";
import { unknownName } from "../math/nearest.ts";

/** The natural accuracy alone, as a row like the others. */
export const NO_ATTACK = "none";

const names = [...attackNames, ...minimalAttackNames];

const AttackName = z.string().refine((name) => name === NO_ATTACK || names.includes(name), {
  error: ({ input }) => unknownName("attack", String(input), [...names, NO_ATTACK]),
});

/** What an attack on a randomised model may maximise; `worst` tries each of the others. */
const objectives = [
  "worst",
  "mean-loss",
  "mean-logits",
  "mean-probability",
  "fixed-noise",
  "transfer",
] as const;

const oneOf = <T extends string>(what: string, words: readonly [T, ...T[]]) =>
  z.enum(words, { error: ({ input }) => unknownName(what, String(input), words) });

const { steps, stepSize, restarts, pgdTSteps, apgdSteps, squareQueries } = AttackOptions.shape;

/** What determines the rows of an evaluation. */
export const EvaluateOptions = z.strictObject({
  attacks: z
    .array(AttackName)
    .min(1)
    .default(["pgd-linf", "pgd-l2"])
    .describe(`attacks to run, separated by commas: ${names.join(", ")}, ${NO_ATTACK}`),
  examples: z.int().positive().default(1000).describe("test images to attack: the first ones"),
  protocol: oneOf("protocol", ["sound", "published"])
    .default("sound")
    .describe("how models are judged; published is the paper's way, for comparison alone"),
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
  epsilonL1: z
    .array(EpsilonL1)
    .min(1)
    .default([12])
    .describe("radius in ℓ1, for pixels in [0, 1]; several are a curve"),
  steps,
  stepSize,
  restarts,
  pgdTSteps,
  apgdSteps,
  squareQueries,
  ...MinimalAttackOptions.shape,
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
    .array(z.int().positive())
    .min(1)
    .optional()
    .describe(
      "draws averaged at each step of an attack on a randomised model; several are a curve; by default 16, 20 for autoattack-*-rand alone, or 80 if published",
    ),
  objective: oneOf("objective", objectives)
    .optional()
    .describe(
      "what an attack on a randomised model maximises; by default worst, or mean-logits if published",
    ),
  onlyStanding: z
    .boolean()
    .default(false)
    .describe(
      "attack only what earlier attacks of that norm and radius left standing; a randomised model's examples are never spared",
    ),
  batch: z.int().positive().default(128).describe("rows per run of the network; changes no draw"),
  seed: z.int().nonnegative().default(0).describe("start of every random stream"),
});
export type EvaluateOptions = z.output<typeof EvaluateOptions>;

/** Options in which nothing is left to the protocol. */
export interface ResolvedOptions extends EvaluateOptions {
  /** Draws averaged per step, ascending, each once. */
  readonly eot: number[];
  readonly objective: (typeof objectives)[number];
}

/**
 * The defaults of a protocol: EOT 16 and every objective, or EOT 80 of the logits as the paper's authors had it. Where all
 * attacks are AutoAttack's for randomised models, EOT is its authors' 20.
 */
export function resolved(options: EvaluateOptions): ResolvedOptions {
  const published = options.protocol === "published";
  const ofAutoAttack = options.attacks.every(
    (name) => name === NO_ATTACK || name.endsWith("-rand"),
  );
  const {
    eot = [published ? 80 : ofAutoAttack ? 20 : 16],
    objective = published ? "mean-logits" : "worst",
  } = options;
  return { ...options, eot: [...new Set(eot)].sort((a, b) => a - b), objective };
}
