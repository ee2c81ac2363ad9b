import { augment } from "../data/augment.ts";
import type { Dataset } from "../data/dataset.ts";
import { shuffled } from "../data/shuffle.ts";
import type { Defense } from "../defenses/table.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Position } from "../models/opening/checkpoint.ts";
import type { PlainBatch } from "./batch-procedure.ts";
import type { ResolvedOptions } from "./options.ts";
import { recipes } from "./recipes.ts";
import { type Schedule, schedules } from "./schedule.ts";
import { epochKey, exampleKeys, runKey } from "./streams.ts";

/** The examples of each step of a run, and the learning rates. */
export interface Plan {
  /** Examples per step. */
  readonly batch: number;
  readonly stepsPerEpoch: number;
  /** Steps of the whole run. */
  readonly steps: number;
  readonly rateAt: Schedule;
  /** The data-set indices of an epoch's examples in training order; epochs count from 0. */
  order(epoch: number): readonly number[];
  /** The batch at a position: chosen and augmented. */
  batchAt(position: Position, order: readonly number[]): PlainBatch;
  /** Lets the defence draw noise ahead for the batch at a position, if the epoch has one there. */
  prefetch(position: Pick<Position, "epoch" | "stepInEpoch">, order: readonly number[]): void;
}

/** The schedule that the options name, or else the recipe's. */
const scheduleOf = ({ schedule, recipe }: ResolvedOptions) =>
  schedule === undefined ? recipes[recipe].schedule : schedules[schedule];

/**
 * The step at which neither the rate nor the radii of a run grow any more: that of the highest rate, or the end of
 * `epsilonWarmup`.
 */
export function settledStep(
  { steps, rateAt }: Pick<Plan, "steps" | "rateAt">,
  { epsilonWarmup = 0 }: Pick<ResolvedOptions, "epsilonWarmup">,
): number {
  let highest = 0;
  for (let step = 1; step < steps; step++) if (rateAt(step) > rateAt(highest)) highest = step;
  return Math.max(highest, Math.ceil(epsilonWarmup * steps));
}

/**
 * The plan of a training run. Each epoch has its own order and omits the examples at its end that do not fill a batch. All
 * draws depend on the seed, the epoch and the example's index only. Throws `UsageError` for a data set without training
 * images.
 */
export function planOf(
  options: ResolvedOptions,
  { name, shape, train }: Dataset,
  defense: Defense,
): Plan {
  const { seed } = options;
  const examples = Math.min(options.examples ?? train.size, train.size);
  if (examples === 0) throw new UsageError(`${name} has no training images`, { code: "misfit" });
  const subset = shuffled(train.size, runKey(seed, "subset")).slice(0, examples);
  const batch = Math.min(options.batch, examples);
  const stepsPerEpoch = Math.floor(examples / batch);
  const steps = stepsPerEpoch * options.epochs;
  const indicesAt = (stepInEpoch: number, order: readonly number[]) =>
    order.slice(stepInEpoch * batch, (stepInEpoch + 1) * batch);
  return {
    batch,
    stepsPerEpoch,
    steps,
    rateAt: scheduleOf(options)(options.rate, steps),
    order: (epoch) => shuffled(examples, epochKey(seed, "shuffle", epoch)).map((i) => subset[i]),
    batchAt({ epoch, stepInEpoch }, order) {
      const indices = indicesAt(stepInEpoch, order);
      const keys = (purpose: "augment" | "objective" | "dropout") =>
        exampleKeys(seed, purpose, epoch, indices);
      const labels = indices.map((index) => train.labels[index]);
      const clean = train.images(indices);
      const flip = options.augment === "crop-flip";
      const x = options.augment === "none" ? clean : augment(clean, keys("augment"), { flip });
      return { x, labels, objectiveKeys: keys("objective"), dropoutKeys: keys("dropout") };
    },
    prefetch({ epoch, stepInEpoch }, order) {
      if (stepInEpoch >= stepsPerEpoch) return;
      const keys = exampleKeys(seed, "objective", epoch, indicesAt(stepInEpoch, order));
      defense.objective.prefetch?.(keys, [batch, ...shape]);
    },
  };
}
