import { z } from "zod";
import { EvaluateOptions } from "../evaluate/options.ts";

/** How much computation an audit may spend. */
export const budgets = ["quick", "standard", "autoattack", "full"] as const;
export type Budget = (typeof budgets)[number];

const { epsilonLinf, epsilonL2, epsilonL1, examples, noise, rule, batch, seed } =
  EvaluateOptions.shape;

/** The options that determine an audit of a given file on given images. Radii are for pixels in [0, 1]. */
export const AuditOptions = z.strictObject({
  norms: z
    .array(z.enum(["linf", "l2", "l1"]))
    .min(1)
    .default(["linf", "l2"])
    .describe("norms of the attacks"),
  epsilonLinf,
  epsilonL2,
  epsilonL1,
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
      "attack for so long instead of with a budget, diagnostics included; the result says how far the attacks have come",
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

/** The largest radius of each norm, which the verdict is about. */
export function largestRadii({ norms, epsilonLinf, epsilonL2, epsilonL1 }: AuditOptions) {
  const radii = { linf: epsilonLinf, l2: epsilonL2, l1: epsilonL1 };
  return [...new Set(norms)].map((norm) => ({ norm, epsilon: Math.max(...radii[norm]) }));
}
