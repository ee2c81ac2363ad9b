// The file of a sweep: steps of trainings, evaluations, certifications, proofs and audits, each with a grid of options.
import { z } from "zod";
import { AuditOptions, ProofOptions } from "../../audit/options.ts";
import { CertificationOptions } from "../../certify/options.ts";
import { readingFlags } from "../../data/reading-flags.ts";
import { devices } from "../../engine/runtime/runtime.ts";
import { evaluateSchema } from "../../evaluate/options.ts";
import { trainOptions } from "../../train/options.ts";
import { PruneRule } from "../cells/pruned.ts";

const data = z.string().optional().describe("data set; by default the training data of the model");

/** The options of each kind of step. */
export const stepOptions = {
  train: () => trainOptions(),
  harden: () => trainOptions().omit({ model: true }),
  evaluate: () =>
    evaluateSchema().extend({
      data,
      saveExamples: z
        .int()
        .nonnegative()
        .optional()
        .describe("examples per attack whose images are kept for the report (default: 0)"),
    }),
  certify: () => CertificationOptions.extend({ data }),
  prove: () => ProofOptions.extend({ data }),
  audit: () => AuditOptions.omit({ require: true, minutes: true }).extend({ data }),
} as const;

/** The kinds of steps, in the order of a plan. */
export type StepKind = keyof typeof stepOptions;

/** A step in a plan file. */
export interface Step {
  readonly options: Readonly<Record<string, unknown>>;
  readonly grid: Readonly<Record<string, readonly unknown[]>>;
  readonly where: Readonly<Record<string, readonly unknown[]>>;
  readonly priority: number;
  /** The rule that stops hopeless trainings; only in a step of trainings. */
  readonly prune?: PruneRule | undefined;
}

const priority = z
  .int()
  .default(0)
  .describe(
    "cells of a higher priority run first; cells of equal priority run in the order of the plan",
  );

const where = z
  .record(z.string(), z.array(z.unknown()).min(1))
  .default({})
  .describe(
    'only models whose training has one of these values: {"defense": ["at-linf"]}; "file" names .onnx files',
  );

/** The rule of a training step; other steps have none. */
const pruneOf = (kind: StepKind) =>
  kind === "train" || kind === "harden"
    ? { prune: PruneRule.optional().describe("rule that stops hopeless trainings") }
    : {};

/** The outer form of a plan. `options` and `grid` are checked against the options of their step afterwards. */
const outer = (step: (kind: StepKind) => z.ZodType<Step>) =>
  z.strictObject({
    $schema: z.string().optional().describe("the schema of this file, for editors"),
    name: z.string().default("sweep").describe("name of the sweep in messages"),
    device: z.enum(devices).default("cpu").describe("device on which every cell runs"),
    threads: z
      .int()
      .positive()
      .default(1)
      .describe("threads of the runtime in each cell; results depend on it"),
    images: z
      .int()
      .positive()
      .default(512)
      .describe("test images per cell, rounded up to whole groups of batches"),
    retries: z.int().nonnegative().default(2).describe("further attempts at a cell that fails"),
    backOff: z
      .number()
      .nonnegative()
      .default(10)
      .describe("seconds before the second attempt; doubled before each further one"),
    models: z
      .array(
        z.strictObject({
          file: z.string().describe("an .onnx file, relative to the plan"),
          data,
          ...readingFlags,
        }),
      )
      .default([])
      .describe("existing model files"),
    train: z.array(step("train")).default([]).describe("models to train"),
    harden: z
      .array(step("harden"))
      .default([])
      .describe("models to make from those files: each is trained further with a defence"),
    evaluate: z.array(step("evaluate")).default([]).describe("attacks on every model"),
    certify: z.array(step("certify")).default([]).describe("certificates of every model"),
    prove: z
      .array(step("prove"))
      .default([])
      .describe("proofs about every model without noise, and no attacks"),
    audit: z.array(step("audit")).default([]).describe("whole audits of every model"),
    report: z.boolean().default(false).describe("one report of all evaluations"),
  });

/** The plan after the first parsing, which allows any values as options. */
export const PlanFile = outer(
  (kind) =>
    z.strictObject({
      options: z.record(z.string(), z.unknown()).default({}),
      grid: z.record(z.string(), z.array(z.unknown()).min(1)).default({}),
      where,
      priority,
      ...pruneOf(kind),
    }) as unknown as z.ZodType<Step>,
);
export type PlanFile = z.output<typeof PlanFile>;

/** Each option as a list of its values. */
const gridOf = (shape: z.ZodObject["shape"]) =>
  z.strictObject(
    Object.fromEntries(
      Object.entries(shape).map(([name, option]) => [
        name,
        z
          .array(option as z.ZodType)
          .min(1)
          .optional(),
      ]),
    ),
  );

/** The JSON Schema of a plan, with the options of every step; including the options of loaded plug-ins. */
export function planJsonSchema(): Readonly<Record<string, unknown>> {
  const whole = outer((kind) => {
    const options = stepOptions[kind]() as z.ZodObject;
    return z.strictObject({
      options: options.partial().default({}).describe("options that all cells of the step share"),
      grid: gridOf(options.shape)
        .default({})
        .describe("lists of values; the step has a cell for each combination"),
      where,
      priority,
      ...pruneOf(kind),
    }) as unknown as z.ZodType<Step>;
  });
  const schema = z.toJSONSchema(whole, { io: "input", unrepresentable: "any" });
  return { ...schema, title: "Plan of rampart sweep" };
}

/** The published schema. */
export const planSchemaText = (): string => `${JSON.stringify(planJsonSchema(), null, 2)}\n`;
