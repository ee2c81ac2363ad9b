import { z } from "zod";
import { EpsilonL1, EpsilonL2, EpsilonLinf } from "../attacks/options.ts";
import { datasetOf, datasets, pathForms } from "../data/table.ts";
import { addedDefenseOptions, allDefenseNames, DefenseOptions } from "../defenses/table.ts";
import { UsageError } from "../math/usage-error.ts";
import { architectureForms } from "../models/architectures.ts";
import { recipes } from "./recipes.ts";
import { type Refinements, refinements, refinementsIn } from "./refinements.ts";

const paper = DefenseOptions.parse({});

/** The default augmentations: `crop-flip; mnist, fashion-mnist crop; shapes none`. */
function augmentDefaults(): string {
  const others = (["crop", "none"] as const).map((augment) => {
    const names = datasets.all.filter((one) => one.augment === augment).map(({ name }) => name);
    return names.length === 0 ? "" : `; ${names.join(", ")} ${augment}`;
  });
  return `crop-flip${others.join("")}`;
}

const BuiltInOptions = z.strictObject({
  defense: z
    .enum(allDefenseNames())
    .optional()
    .describe("how the model is defended")
    .meta({ named: true }),
  model: z
    .string()
    .optional()
    .describe(`network: ${architectureForms("or")}`),
  data: z
    .string()
    .optional()
    .describe(["data set", ...pathForms()].join(", or ")),
  recipe: z
    .enum(Object.keys(recipes) as (keyof typeof recipes)[])
    .optional()
    .describe("settings of the optimiser (default: zagoruyko); short suits runs of a few epochs"),
  epochs: z
    .int()
    .positive()
    .optional()
    .describe("passes over the examples; by default the recipe's"),
  batch: z.int().positive().optional().describe("examples per step; by default the recipe's"),
  examples: z.int().positive().optional().describe("training images used; by default all"),
  rate: z.number().positive().optional().describe("highest learning rate; by default the recipe's"),
  weightDecay: z
    .number()
    .nonnegative()
    .optional()
    .describe("λ of λ/2·‖w‖²; by default the recipe's"),
  dropout: z
    .number()
    .nonnegative()
    .lt(1)
    .optional()
    .describe("dropout rate; by default the recipe's"),
  augment: z
    .enum(["crop-flip", "crop", "none"])
    .optional()
    .describe(`random crops and mirroring (default: ${augmentDefaults()})`),
  epsilonLinf: EpsilonLinf.optional().describe(
    `ℓ∞ radius in training (default: ${paper.epsilonLinf})`,
  ),
  epsilonL2: EpsilonL2.optional().describe(`ℓ2 radius in training (default: ${paper.epsilonL2})`),
  epsilonL1: EpsilonL1.optional().describe(`ℓ1 radius in training (default: ${paper.epsilonL1})`),
  steps: z
    .int()
    .positive()
    .optional()
    .describe(`steps of the attack in training (default: ${paper.steps})`),
  stepSize: z
    .number()
    .positive()
    .optional()
    .describe("step size in training; by default the defence's, ε / 5 in the paper"),
  noise: z.string().optional().describe("noise of a randomised defence, such as normal:0.25"),
  matChoice: DefenseOptions.shape.matChoice,
  ratNoise: DefenseOptions.shape.ratNoise,
  attackMode: z
    .enum(["frozen", "batch"])
    .optional()
    .describe(
      "the attack sees running statistics (default: frozen) or batch statistics and dropout",
    ),
  awp: z
    .number()
    .positive()
    .lt(1)
    .optional()
    .describe(
      "train at weights that are moved by this share of their norm to where the loss is higher (adversarial weight perturbation; 0.005 in its paper)",
    ),
  seed: z.int().nonnegative().optional().describe("seed of every random stream (default: 0)"),
  ...refinements,
});

/**
 * The options that determine a trained model, to the bit on one machine, those of plug-ins' defences included. An absent
 * option has the value of the recipe or of the paper in a new run, and the stored value in a resumed one.
 */
export const trainOptions = (): typeof BuiltInOptions =>
  BuiltInOptions.extend({
    defense: z
      .enum(allDefenseNames())
      .optional()
      .describe(BuiltInOptions.shape.defense.description ?? "")
      .meta({ named: true }),
  }).extend(addedDefenseOptions()) as unknown as typeof BuiltInOptions;

/** The options of a training run without plug-ins. */
export const TrainOptions = BuiltInOptions;
/** Options of a training run as the caller gives them. */
export type TrainOptions = z.output<typeof TrainOptions>;

/** The given values of the options that single defences add, by name; each defence has its own defaults for the others. */
export const addedOptions = (given: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.keys(addedDefenseOptions())
      .map((name) => [name, (given as Readonly<Record<string, unknown>>)[name] ?? null])
      .filter(([, value]) => value !== null),
  );

/** All options of a training run; null means no limit on examples, a step size of ε / 5, or the defence's own default. */
export interface ResolvedOptions extends Refinements {
  readonly defense: string;
  readonly model: string;
  readonly data: string;
  readonly recipe: keyof typeof recipes;
  readonly epochs: number;
  readonly batch: number;
  readonly examples: number | null;
  readonly rate: number;
  readonly weightDecay: number;
  readonly dropout: number;
  readonly augment: "crop-flip" | "crop" | "none";
  readonly epsilonLinf: number;
  readonly epsilonL2: number;
  readonly epsilonL1: number;
  readonly steps: number;
  readonly stepSize: number | null;
  readonly noise: string | null;
  readonly matChoice: "example" | "batch" | null;
  readonly ratNoise: "fresh" | "fixed" | null;
  readonly attackMode: "frozen" | "batch";
  readonly awp: number | null;
  readonly seed: number;
}

function required(name: "defense" | "model" | "data", value: string | undefined): string {
  if (value === undefined)
    throw new UsageError(`--${name} is missing: ${TrainOptions.shape[name].description}`, {
      code: "missing-option",
    });
  return value;
}

/**
 * The options of a new run: as given, else from the recipe, else from the paper. `augment` replaces the default of the data
 * set, which is looked up by its name. Throws `UsageError` if a required option is missing.
 */
export function resolveOptions(
  given: TrainOptions,
  augment?: ResolvedOptions["augment"],
): ResolvedOptions {
  const name = given.recipe ?? "zagoruyko";
  const recipe = recipes[name];
  const data = required("data", given.data);
  const builtIn: ResolvedOptions = {
    defense: required("defense", given.defense),
    model: required("model", given.model),
    data,
    recipe: name,
    epochs: given.epochs ?? recipe.epochs,
    batch: given.batch ?? recipe.batch,
    examples: given.examples ?? null,
    rate: given.rate ?? recipe.rate,
    weightDecay: given.weightDecay ?? recipe.weightDecay,
    dropout: given.dropout ?? recipe.dropout,
    augment: given.augment ?? augment ?? datasetOf(data).augment,
    epsilonLinf: given.epsilonLinf ?? paper.epsilonLinf,
    epsilonL2: given.epsilonL2 ?? paper.epsilonL2,
    epsilonL1: given.epsilonL1 ?? paper.epsilonL1,
    steps: given.steps ?? paper.steps,
    stepSize: given.stepSize ?? null,
    noise: given.noise ?? null,
    matChoice: given.matChoice ?? null,
    ratNoise: given.ratNoise ?? null,
    attackMode: given.attackMode ?? "frozen",
    awp: given.awp ?? null,
    seed: given.seed ?? 0,
  };
  return Object.assign(builtIn, refinementsIn(given), addedOptions(given));
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Throws `UsageError` if given options differ from those that `run` was started with; names each of them. */
export function refuseOtherOptions(
  given: TrainOptions,
  stored: ResolvedOptions,
  run: string,
): void {
  const differ = (Object.keys(trainOptions().shape) as (keyof ResolvedOptions)[])
    .filter((name) => given[name] !== undefined && given[name] !== stored[name])
    .map((name) => `--${kebab(name)} ${given[name]} (was ${stored[name] ?? "not set"})`);
  if (differ.length > 0)
    throw new UsageError(`${run} was started with other options: ${differ.join(", ")}`, {
      code: "misfit",
      next: "resume without them, or start another run directory",
    });
}
