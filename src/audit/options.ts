import { z } from "zod";
import { EpsilonL0 } from "../attacks/options.ts";
import type { AttackNorm, Norm } from "../attacks/victim.ts";
import { EvaluateOptions } from "../evaluate/options.ts";
import { UsageError } from "../math/usage-error.ts";

/** How much computation an audit may spend. */
export const budgets = ["quick", "standard", "autoattack", "full"] as const;
export type Budget = (typeof budgets)[number];

const { epsilonLinf, epsilonL2, epsilonL1, examples, noise, rule, batch, seed } =
  EvaluateOptions.shape;

/** The options that determine an audit of a given file on given images. Radii are for pixels in [0, 1], in ℓ0 in pixels. */
export const AuditOptions = z.strictObject({
  norms: z
    .array(z.enum(["linf", "l2", "l1", "l0"]))
    .min(1)
    .default(["linf", "l2"])
    .describe("norms of the attacks; a radius in ℓ0 adds l0"),
  epsilonLinf,
  epsilonL2,
  epsilonL1,
  epsilonL0: z
    .array(EpsilonL0)
    .min(1)
    .optional()
    .describe(
      "also attack in ℓ0: number of pixels that may change, each with all its channels; several make a curve",
    ),
  examples,
  budget: z
    .enum(budgets)
    .default("standard")
    .describe(
      "quick: a first look; standard: AutoAttack's answer at a fraction of its passes; autoattack: AutoAttack as published; full: every attack",
    ),
  minutes: z
    .number()
    .positive()
    .optional()
    .describe(
      "time for attacks and searches, instead of a budget; the result says how far they have come, and a note whether the diagnostics took longer",
    ),
  require: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      "exit with code 3 if accuracy under all attacks (largest radii) is below this, or the result is invalid",
    ),
  prove: z
    .boolean()
    .default(false)
    .describe(
      "also prove that images cannot be broken; under noise, certify them by randomised smoothing",
    ),
  proveSeconds: z
    .number()
    .positive()
    .default(10)
    .describe("time that --prove may spend on an image in each norm"),
  proveN: z.int().min(2).default(10_000).describe("draws that certify an image under noise"),
  noise,
  rule,
  batch,
  seed,
});
export type AuditOptions = z.output<typeof AuditOptions>;

/** The options of proofs without attacks. */
export const ProofOptions = AuditOptions.pick({
  epsilonLinf: true,
  epsilonL2: true,
  epsilonL1: true,
  examples: true,
  proveSeconds: true,
  batch: true,
}).extend({
  norms: z
    .array(z.enum(["linf", "l2", "l1"]))
    .min(1)
    .default(["linf", "l2"])
    .describe("norms of the proofs"),
});

type Norms = Pick<AuditOptions, "norms" | "epsilonL0">;

/** The norms of the attacks: the given norms, and ℓ0 if it has a radius. Throws `UsageError` for ℓ0 without a radius. */
export function attackedNorms({ norms, epsilonL0 }: Norms): AttackNorm[] {
  if (norms.includes("l0") && epsilonL0 === undefined)
    throw new UsageError(
      "--norms l0 needs --epsilon-l0, the number of pixels that may change, such as --epsilon-l0 3",
      { code: "bad-option" },
    );
  return [...new Set(epsilonL0 === undefined ? norms : [...norms, "l0" as const])];
}

/** The norms that have proofs, certificates and searches for smallest radii: the norms of the attacks except ℓ0. */
export const searchedNorms = ({ norms }: Pick<AuditOptions, "norms">): Norm[] =>
  [...new Set(norms)].filter((norm) => norm !== "l0");

/** The largest radius of each norm in which gradients are probed: all attacked norms except ℓ0, or ℓ∞ if there is only ℓ0. */
export function probedRadii(options: AuditOptions): { norm: Norm; epsilon: number }[] {
  const { epsilonLinf, epsilonL2, epsilonL1 } = options;
  const radii = { linf: epsilonLinf, l2: epsilonL2, l1: epsilonL1 };
  const norms = searchedNorms(options);
  return (norms.length === 0 ? (["linf"] as const) : norms).map((norm) => ({
    norm,
    epsilon: Math.max(...radii[norm]),
  }));
}
