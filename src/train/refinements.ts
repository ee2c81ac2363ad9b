// What every recipe can add: averaged weights, another schedule, smoothed labels, clipped gradients, and a validation split that
// chooses the checkpoint. An option that is not given is not recorded, so that runs without it stay as they were.
import { z } from "zod";
import { defined } from "../math/defined.ts";
import { UsageError } from "../math/usage-error.ts";
import { schedules } from "./schedule.ts";

/** The options, for the schema of all training options. */
export const refinements = {
  schedule: z
    .enum(Object.keys(schedules) as (keyof typeof schedules)[])
    .optional()
    .describe("how the learning rate changes; by default the recipe's"),
  labelSmoothing: z
    .number()
    .positive()
    .lt(1)
    .optional()
    .describe("share of each label that is spread evenly over all classes"),
  clipGradient: z
    .number()
    .positive()
    .optional()
    .describe(
      "largest ℓ2 norm of the gradient with respect to all weights; longer ones are scaled down to it",
    ),
  ema: z
    .number()
    .positive()
    .lt(1)
    .optional()
    .describe(
      "decay of an exponential moving average of the weights, which becomes the model: 0.995",
    ),
  swa: z
    .number()
    .nonnegative()
    .lt(1)
    .optional()
    .describe(
      "share of the run after which the weights of all steps are averaged, which becomes the model: 0.5",
    ),
  epsilonWarmup: z
    .number()
    .nonnegative()
    .max(1)
    .optional()
    .describe(
      "share of the run in which the radii of the attacks grow from 0 to their full length; 0 turns this off",
    ),
  validation: z
    .int()
    .positive()
    .optional()
    .describe(
      "training images that are held out to choose the checkpoint by its accuracy under attack",
    ),
  maxCleanLoss: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      "choose no checkpoint whose accuracy on clean validation images is lower by more than this share than at the start, and stop once it stays lower for an epoch without rising",
    ),
  patience: z
    .int()
    .positive()
    .optional()
    .describe("stop after this many epochs without a better checkpoint on the validation images"),
  statistics: z
    .enum(["frozen", "batch"])
    .optional()
    .describe(
      "batch norms of a file in training: its own statistics (default: frozen), or the batch's, which re-estimates them",
    ),
};

/** The options that were given. */
export interface Refinements {
  readonly schedule?: keyof typeof schedules;
  readonly labelSmoothing?: number;
  readonly clipGradient?: number;
  readonly ema?: number;
  readonly swa?: number;
  readonly epsilonWarmup?: number;
  readonly validation?: number;
  readonly maxCleanLoss?: number;
  readonly patience?: number;
  readonly statistics?: "frozen" | "batch";
}

/** The same with undefined for what was not given, as a parser returns it. */
type Given = { readonly [K in keyof Refinements]?: Refinements[K] | undefined };

/** The options of every recipe among those given. Throws `UsageError` for two that exclude each other, or one without its base. */
export function refinementsIn(given: Given): Refinements {
  const { ema, swa, validation, maxCleanLoss, patience } = given;
  if (ema !== undefined && swa !== undefined)
    throw new UsageError("--ema and --swa are two ways to average the weights; give one of them", {
      code: "bad-option",
    });
  if (validation === undefined && (maxCleanLoss ?? patience) !== undefined)
    throw new UsageError(
      `--${maxCleanLoss === undefined ? "patience" : "max-clean-loss"} needs validation images; hold some out with --validation 512`,
      { code: "missing-option" },
    );
  const { schedule, labelSmoothing, clipGradient, epsilonWarmup, statistics } = given;
  return defined({
    schedule,
    labelSmoothing,
    clipGradient,
    ema,
    swa,
    epsilonWarmup,
    validation,
    maxCleanLoss,
    patience,
    statistics,
  });
}
