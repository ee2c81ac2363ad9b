import { z } from "zod";
import { EvaluateOptions } from "../evaluate/options.ts";

/** How much an audit may cost. */
export const budgets = ["quick", "standard", "full"] as const;
export type Budget = (typeof budgets)[number];

const { epsilonLinf, epsilonL2, epsilonL1, examples, noise, rule, batch, seed } =
  EvaluateOptions.shape;

/** What determines an audit of a given file on given images. */
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
    .describe("quick: a first look; standard: AutoAttack's four attacks; full: every attack"),
  require: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      "accuracy under all attacks (at the largest radii) below which, or without valid numbers, the exit code is 3",
    ),
  noise,
  rule,
  batch,
  seed,
});
export type AuditOptions = z.output<typeof AuditOptions>;

/** The largest radius of each norm: what the verdict is about. */
export const largestRadii = ({ norms, epsilonLinf, epsilonL2, epsilonL1 }: AuditOptions) =>
  [...new Set(norms)].map((norm) => ({
    norm,
    epsilon: Math.max(...{ linf: epsilonLinf, l2: epsilonL2, l1: epsilonL1 }[norm]),
  }));
