import type { Victim } from "../attacks/victim.ts";
import { augment } from "../data/augment.ts";
import type { Dataset } from "../data/dataset.ts";
import { shuffled } from "../data/shuffle.ts";
import type { Defense } from "../defenses/table.ts";
import type { Key } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Position } from "../models/opening/checkpoint.ts";
import type { ResolvedOptions } from "./options.ts";
import { recipes } from "./recipes.ts";
import type { Schedule } from "./schedule.ts";
import { epochKey, exampleKeys, runKey } from "./streams.ts";

/** What a step is given: pixels as the defence wants them, and one label and dropout key per example. */
export interface Batch {
  readonly x: Tensor;
  readonly labels: readonly number[];
  readonly keys: readonly Key[];
}

/** What a run does, worked out from its options: which examples in which order, and at which rate. */
export interface Plan {
  /** Examples per step. */
  readonly batch: number;
  readonly stepsPerEpoch: number;
  readonly steps: number;
  readonly rateAt: Schedule;
  /** Data-set indices of the examples of an epoch (from 0), in the order in which it visits them. */
  order(epoch: number): readonly number[];
  /** The batch at a position: drawn, augmented, then handed to the defence, whose attack faces `victim`. */
  batchAt(position: Position, order: readonly number[], victim: Victim): Promise<Batch>;
  /** Says that the batch at a position comes next, if its epoch has one, so that the defence can draw for it. */
  prefetch(position: Pick<Position, "epoch" | "stepInEpoch">, order: readonly number[]): void;
}

/**
 * Each epoch has its own order; the examples at its end that do not fill a batch are left out of it. Every draw
 * depends on the seed, the epoch and the example's index alone.
 */
export function planOf(
  options: ResolvedOptions,
  { name, shape, train }: Dataset,
  defense: Defense,
): Plan {
  const { seed } = options;
  const chosen = Math.min(options.examples ?? train.size, train.size);
  if (chosen === 0) throw new UsageError(`${name} has no training images`);
  const subset = shuffled(train.size, runKey(seed, "subset")).slice(0, chosen);
  const batch = Math.min(options.batch, chosen);
  const stepsPerEpoch = Math.floor(chosen / batch);
  const steps = stepsPerEpoch * options.epochs;
  const indicesAt = (stepInEpoch: number, order: readonly number[]) =>
    order.slice(stepInEpoch * batch, (stepInEpoch + 1) * batch);
  return {
    batch,
    stepsPerEpoch,
    steps,
    rateAt: recipes[options.recipe].schedule(options.rate, steps),
    order: (epoch) => shuffled(chosen, epochKey(seed, "shuffle", epoch)).map((i) => subset[i]),
    async batchAt({ epoch, stepInEpoch }, order, victim) {
      const indices = indicesAt(stepInEpoch, order);
      const keys = (purpose: "augment" | "objective" | "dropout") =>
        exampleKeys(seed, purpose, epoch, indices);
      const labels = indices.map((index) => train.labels[index]);
      const clean = train.images(indices);
      const flip = options.augment === "crop-flip";
      const x = options.augment === "none" ? clean : augment(clean, keys("augment"), { flip });
      const examples = await defense.objective.examples(victim, x, labels, keys("objective"));
      return { x: examples, labels, keys: keys("dropout") };
    },
    prefetch({ epoch, stepInEpoch }, order) {
      if (stepInEpoch >= stepsPerEpoch) return;
      const keys = exampleKeys(seed, "objective", epoch, indicesAt(stepInEpoch, order));
      defense.objective.prefetch?.(keys, [batch, ...shape]);
    },
  };
}
