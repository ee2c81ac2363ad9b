// The schema of summary.json, which its JSON Schema is generated from.
import { z } from "zod";
import { NO_CLASS } from "../../math/tensor.ts";
import type { AuditResult } from "../result.ts";

/**
 * The version of the schema. It increases when a field changes its meaning or is removed, but not when one is added. Since version 2,
 * `confusions[].predicted` may be −1.
 */
export const SUMMARY_VERSION = 2;

const share = z.number().min(0).max(1);
const count = z.int().nonnegative();

const Interval = z
  .looseObject({ mean: share, low: share, high: share })
  .describe("a share of the images, and its 95 % interval");

const Ball = z
  .looseObject({ norm: z.string(), epsilon: z.number() })
  .describe("a norm, and a radius in it for pixels in [0, 1]; in l0 a number of pixels");

const Attack = z.looseObject({
  attack: z.string(),
  steps: count,
  restarts: count,
  tried: count.describe("images that the attack tried"),
  broken: count.describe("images that the attack broke"),
  left: Interval.describe("accuracy after this attack and all earlier ones"),
  queries: count.describe("passes through the network, summed over all images"),
  seconds: z.number(),
});

const Norm = z.looseObject({
  norm: z.string(),
  epsilon: z.number().describe("radius, for pixels in [0, 1]; in l0 a number of pixels"),
  attacks: z.array(Attack),
  accuracy: Interval,
  accuracy8bit: Interval.describe("accuracy after rounding to 8 bits per channel"),
});

const Union = z.looseObject({
  name: z.string().describe("linf@0.031+l2@0.83; unions with the same name may be compared"),
  balls: z.array(Ball),
  attacks: z.array(z.string()),
  accuracy: Interval,
  accuracy8bit: Interval,
});

const ClassAccuracy = z.looseObject({
  label: count,
  name: z.string(),
  examples: count,
  clean: share,
  union: share,
});

const Confusion = z.looseObject({
  label: count,
  name: z.string(),
  predicted: z
    .int()
    .min(NO_CLASS)
    .describe(
      "the class under the strongest attack, or without one where that is wrong; −1, no class, where a score is NaN",
    ),
  predictedName: z.string(),
  images: count,
});

const Diagnostic = z.looseObject({
  code: z.string().describe("see docs/diagnostics.md"),
  severity: z.enum(["invalid", "warning", "note"]),
  text: z.string(),
  advice: z.string(),
});

const Check = z.looseObject({
  code: z.string(),
  claim: z.string().describe("what holds if the check passes"),
  outcome: z.enum([
    "passed",
    "invalid",
    "warning",
    "note",
    "not run",
    "not applicable",
    "explained",
  ]),
});

const Method = z.looseObject({
  status: z.enum(["proven", "broken"]),
  method: z.string(),
  images: count,
});

const Proofs = z.looseObject({
  kind: z.enum(["proof", "certificate"]),
  balls: z.array(
    z.looseObject({
      norm: z.string(),
      epsilon: z.number(),
      examples: count,
      proven: count,
      broken: count,
      undecided: count,
      contradicted: count.optional().describe("broken images that were proven"),
      methods: z.array(Method),
    }),
  ),
  unconfirmed: count,
  contradictions: z.array(
    z.looseObject({
      index: count,
      attack: z.string(),
      norm: z.string().nullable(),
      epsilon: z.number().nullable(),
      record: z.string().nullable(),
      image: z.string().nullable(),
    }),
  ),
});

const Radius = z.number().nonnegative().nullable();

const Smallest = z.looseObject({
  norm: z.string(),
  images: count,
  broken: count.describe(
    "images that some attack broke at any radius, or that are wrong without an attack",
  ),
  median: Radius.describe("the radius at which half of the images are broken; null if fewer are"),
  deciles: z
    .array(Radius)
    .length(9)
    .describe("the radii at which 10 %, 20 %, … 90 % of the images are broken"),
});

const Converged = z.looseObject({
  norm: z.string(),
  epsilon: z.number(),
  attacked: count.describe("images of batches that got the first steps of the attack in full"),
  right: count.describe("images that were right when clean"),
  finished: z
    .boolean()
    .optional()
    .describe("whether all rounds of the attack ended before the time did"),
  falling: share.describe(
    "share of survivors whose margin still fell in the last tenth of their steps",
  ),
  autoattack: z
    .looseObject({ mean: share, low: share, high: share })
    .describe("the share of all images that AutoAttack would leave right"),
});

/** The contents of summary.json. Fields may be added; readers ignore unknown fields. */
export const AuditSummary = z.looseObject({
  schemaVersion: z.literal(SUMMARY_VERSION),
  model: z.string(),
  sha256: z
    .string()
    .nullable()
    .describe("of the .onnx file and its external data; null for a run directory"),
  externalData: z
    .array(z.string())
    .optional()
    .describe(
      "files that hold the model's external data; sha256 is then that of (cat model.onnx; sha256sum FILES) | sha256sum",
    ),
  data: z.string(),
  budget: z.string(),
  examples: count,
  preprocessing: z.string(),
  head: z.array(z.string()),
  noise: z.string().nullable(),
  clean: Interval,
  union: Interval.describe("accuracy under all attacks at the largest radii"),
  union8bit: Interval,
  unions: z.array(Union),
  norms: z.array(Norm),
  breaksFirst: z.string().nullable(),
  weakestNorms: z.array(z.string()),
  strongestAttacks: z.array(z.string()),
  classes: z.array(ClassAccuracy),
  confusions: z.array(Confusion),
  diagnostics: z.array(Diagnostic),
  checks: z.array(Check),
  notRun: z.array(z.looseObject({ what: z.string(), reason: z.string(), fixable: z.boolean() })),
  valid: z.boolean(),
  required: share.nullable(),
  passed: z.boolean().nullable(),
  proofs: Proofs.nullable(),
  smallest: z
    .array(Smallest)
    .nullable()
    .optional()
    .describe("smallest radii at which images break; null for a classifier under noise"),
  convergence: z
    .array(Converged)
    .nullable()
    .optional()
    .describe("how far timed attacks have come; null without --minutes"),
});

/** A result as summary.json states it. */
export const summaryOf = (
  result: AuditResult,
): AuditResult & { readonly schemaVersion: typeof SUMMARY_VERSION } =>
  Object.assign({ schemaVersion: SUMMARY_VERSION } as const, result);

/** The JSON Schema of summary.json. */
export const summaryJsonSchema = (): Record<string, unknown> =>
  Object.assign(z.toJSONSchema(AuditSummary, { target: "draft-2020-12" }), {
    title: "Result of an audit by Rampart",
  });
