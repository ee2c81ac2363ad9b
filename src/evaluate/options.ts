import { z } from "zod";
import { EpsilonL0, EpsilonL1, EpsilonL2, EpsilonLinf } from "../attacks/options.ts";
import {
  attackDraws,
  attackOptions,
  boundedAttackNames,
  minimalAttackOptions,
  minimumNormAttackNames,
} from "../attacks/table.ts";
import { unknownName } from "../math/nearest.ts";
import { skipsBroken } from "./skip-options.ts";

/** The name of the rows of clean images, among those of attacks. */
export const NO_ATTACK = "none";

/** The name of an attack among `names`. */
const attackName = (names: readonly string[]) =>
  z.string().refine((name) => name === NO_ATTACK || names.includes(name), {
    error: ({ input }) => unknownName("attack", String(input), [...names, NO_ATTACK]),
  });

/** The objective of an attack on a randomised model; `worst` tries all others and keeps the most damaging result. */
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

/** Options of bounded attacks that an evaluation lacks: its radii are lists, and it sets the other options itself. */
const unlisted = {
  epsilonLinf: true,
  epsilonL2: true,
  epsilonL1: true,
  epsilonL0: true,
  randomStart: true,
  stopWhenBroken: true,
} as const;

/**
 * The options of all attacks, without those in `unlisted`. If both kinds have an option, the minimum-norm attacks
 * define it.
 */
function attackShape() {
  const bounded = attackOptions().omit(unlisted).shape;
  const minimal = minimalAttackOptions().shape;
  const shared = Object.keys(minimal).filter((name) => Object.hasOwn(bounded, name));
  const own = Object.entries(bounded).filter(([name]) => !shared.includes(name));
  // `Object.entries` loses the types of the names.
  return Object.assign(Object.fromEntries(own), minimal) as unknown as typeof bounded &
    typeof minimal;
}

/**
 * The schema of everything that determines the rows of an evaluation, with the attacks and options of plug-ins that are loaded at
 * this moment. Radii are for pixels in [0, 1], and in ℓ0 numbers of pixels.
 */
export function evaluateSchema() {
  const names = [...boundedAttackNames(), ...minimumNormAttackNames()];
  return z.strictObject({
    attacks: z
      .array(attackName(names))
      .min(1)
      .default(["pgd-linf", "pgd-l2"])
      .describe(`attacks to run, separated by commas: ${names.join(", ")}, ${NO_ATTACK}`)
      .meta({ named: true }),
    examples: z
      .int()
      .positive()
      .default(1000)
      .describe("test images to attack, from the first one on"),
    protocol: oneOf("protocol", ["sound", "published"])
      .default("sound")
      .describe("how models are scored; published is the paper's protocol, for comparison only"),
    epsilonLinf: z
      .array(EpsilonLinf)
      .min(1)
      .default([0.031])
      .describe("radius in ℓ∞, for pixels in [0, 1]; several make a curve"),
    epsilonL2: z
      .array(EpsilonL2)
      .min(1)
      .default([0.83])
      .describe("radius in ℓ2, for pixels in [0, 1]; several make a curve"),
    epsilonL1: z
      .array(EpsilonL1)
      .min(1)
      .default([12])
      .describe("radius in ℓ1, for pixels in [0, 1]; several make a curve"),
    epsilonL0: z
      .array(EpsilonL0)
      .min(1)
      .default([10])
      .describe("radius in ℓ0, in pixels with all their channels; several make a curve"),
    ...attackShape(),
    noise: z
      .string()
      .optional()
      .describe("noise added at every prediction, such as normal:0.25; by default the model's own"),
    rule: z
      .string()
      .default("single")
      .describe("how a randomised model predicts: single, majority:k or mean:k draws"),
    draws: z
      .int()
      .min(2)
      .default(100)
      .describe(
        "fresh draws for scoring a randomised model; half of them select the strongest attack of the union",
      ),
    eot: z
      .array(z.int().positive())
      .min(1)
      .optional()
      .describe(
        "draws averaged at each step of an attack on a randomised model; several make a curve; by default 16, 20 if all attacks are autoattack-*-rand, or 80 if published",
      ),
    objective: oneOf("objective", objectives)
      .optional()
      .describe(
        "objective of an attack on a randomised model; by default worst, or mean-logits if published",
      ),
    skipBroken: z
      .boolean()
      .default(false)
      .describe(
        "skip examples that an earlier attack of the same norm and radius broke; examples of a randomised model are never skipped",
      ),
    onlyStanding: z
      .boolean()
      .optional()
      .meta({ aliasOf: "skipBroken" })
      .describe("the old name of --skip-broken"),
    batch: z
      .int()
      .positive()
      .default(128)
      .describe("largest batch of the network; does not change random draws"),
    seed: z.int().nonnegative().default(0).describe("seed of every random stream"),
  });
}

/** The schema with the built-in attacks alone. */
export const EvaluateOptions = evaluateSchema();
/** Options of an evaluation with their defaults. */
export type EvaluateOptions = z.output<typeof EvaluateOptions>;

/** Options after resolving the protocol's defaults and former names. */
export interface ResolvedOptions extends Omit<EvaluateOptions, "onlyStanding"> {
  /** Draws averaged per gradient step, ascending, without repeats. */
  readonly eot: number[];
  readonly objective: (typeof objectives)[number];
}

/** Draws per gradient step: 80 for the paper's protocol, the largest published number if all attacks have one, else 16. */
function defaultEot({ protocol, attacks }: EvaluateOptions): number {
  if (protocol === "published") return 80;
  const stated = attacks.filter((name) => name !== NO_ATTACK).map(attackDraws);
  const draws = stated.filter((count) => count !== undefined);
  return draws.length === stated.length && draws.length > 0 ? Math.max(...draws) : 16;
}

/** Resolves the defaults that depend on other options: `eot`, and `objective`, which is `worst` unless published. */
export function resolved({ onlyStanding, ...options }: EvaluateOptions): ResolvedOptions {
  const { protocol, eot = [defaultEot(options)], objective } = options;
  return {
    ...options,
    skipBroken: skipsBroken({ skipBroken: options.skipBroken, onlyStanding }),
    eot: [...new Set(eot)].sort((a, b) => a - b),
    objective: objective ?? (protocol === "published" ? "mean-logits" : "worst"),
  };
}
