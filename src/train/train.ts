import type { Dataset } from "../data/dataset.ts";
import type { Defense } from "../defenses/table.ts";
import { type Architecture, type Parameters, parameterCount } from "../models/architecture.ts";
import {
  AVERAGE_PREFIX,
  averagedParameters,
  type CheckpointMetadata,
  type Position,
  type TrainState,
} from "../models/opening/checkpoint.ts";
import { latestCheckpoint, withWriteErrors } from "../models/opening/checkpoints.ts";
import { batchTrainer } from "./batch-trainer.ts";
import { changedTarget } from "./changed-target.ts";
import type { TrainEvent } from "./events.ts";
import { firstWeights } from "./first-weights.ts";
import { appendMetrics, truncateMetrics } from "./metrics.ts";
import type { Optimizer } from "./optimizer.ts";
import { planOf } from "./plan.ts";
import { optimizerOf } from "./recipes.ts";
import { requireSameTraining } from "./resumed-checkpoint.ts";
import { Selection } from "./selection.ts";
import { runKey } from "./streams.ts";
import { initialState } from "./train-step.ts";
import type { Training } from "./training.ts";
import { EPOCH_START, TrainingRun } from "./training-run.ts";
import { UnfinishedTraining } from "./unfinished.ts";

export type { Training };

/** The metadata of a model in training. */
export function metadataOf(
  architecture: Architecture,
  { name, shape, classes, mean, std, train, heldOut }: Dataset,
  defense: Defense,
): CheckpointMetadata {
  const metadata: CheckpointMetadata = {
    architecture: architecture.name,
    parameters: parameterCount(architecture),
    trainImages: train.size,
    input: { shape, classes: classes.length, mean, std },
    classNames: classes,
    defense: defense.name,
    noise: defense.noise?.name ?? null,
    data: name,
  };
  return heldOut === undefined ? metadata : { ...metadata, heldOut };
}

/** Where a training run begins: at its first step, or at a checkpoint. */
interface Start {
  /** Without averaged weights. */
  readonly state: TrainState;
  readonly averaged: Parameters | null;
  readonly position: Position;
  /** The checkpoint's name, and its path in messages; null for a new run. */
  readonly from: { readonly name: string; readonly path: string } | null;
  /** A warning about a changed machine; undefined if there is none. */
  readonly warning: string | undefined;
}

/** A state whose slots are those of the optimiser and the defence alone. */
const withoutAverage = ({ parameters, slots }: TrainState): TrainState => ({
  parameters,
  slots: Object.fromEntries(
    Object.entries(slots).filter(([name]) => !name.startsWith(AVERAGE_PREFIX)),
  ),
});

/** Reads the newest checkpoint. Throws `UsageError` if it is damaged or belongs to another training. */
async function startOf(
  { architecture, runtime, options, files, defense, first }: Training,
  metadata: CheckpointMetadata,
  optimizer: Optimizer,
): Promise<Start> {
  const latest = await latestCheckpoint(files);
  if (latest === undefined) {
    const key = runKey(options.seed, "initial");
    const parameters = firstWeights(architecture, defense, key, first !== undefined);
    return {
      state: initialState(architecture, optimizer, parameters),
      averaged: null,
      position: { step: 0, epoch: 0, ...EPOCH_START },
      from: null,
      warning: undefined,
    };
  }
  const { name, checkpoint } = latest;
  const path = `${files.path}/${name}`;
  requireSameTraining({ path, checkpoint }, metadata, architecture);
  return {
    state: withoutAverage(checkpoint.state),
    averaged: averagedParameters(checkpoint.state),
    position: checkpoint.position,
    from: { name, path },
    warning: changedTarget(checkpoint.target, runtime.target),
  };
}

/**
 * Trains until `options.epochs` epochs are finished, from the newest checkpoint in `files` if there is one, and yields
 * events. A run that was interrupted and resumed ends with the same bits as an uninterrupted one on the same machine,
 * with the same threads and lowering. Throws `UsageError` if the training diverges, takes too long or a file cannot be
 * written. Before it throws for a divergence or for time, it makes the best checkpoint its model and yields `stopped`.
 */
export async function* train(training: Training): AsyncGenerator<TrainEvent, void, void> {
  const { architecture, dataset, defense, options, files } = training;
  const plan = planOf(options, dataset, defense);
  const { steps } = plan;
  const { weightDecay, clipGradient } = options;
  const optimizer = optimizerOf(options.recipe, { weightDecay, maxNorm: clipGradient });
  const metadata = metadataOf(architecture, dataset, defense);

  let start: Start | undefined = await startOf(training, metadata, optimizer);
  const { position, from, warning, averaged } = start;
  await truncateMetrics(files, position.epoch);
  yield {
    event: "start",
    epochs: options.epochs,
    steps,
    step: position.step,
    from: from?.path ?? null,
  };
  if (warning !== undefined) yield { event: "warning", code: "other-target", message: warning };
  const trainer = await batchTrainer(training, optimizer, {
    batchSize: plan.batch,
    state: start.state,
    isResumed: from !== null,
    labelSmoothing: options.labelSmoothing,
  });
  // Releases the initial arrays, which would otherwise stay in memory for days.
  start = undefined;

  const saved = from?.name;
  const run = new TrainingRun({ training, plan, trainer, metadata, position, saved, averaged });
  const selection = await Selection.open(training, plan, position.step);
  try {
    const ending = yield* untilUnfinished(steppedThrough({ run, selection, training, steps }));
    if (ending === "interrupted") return;
    // Without a better checkpoint than the model before training, there is nothing to keep after a divergence.
    if (ending?.reason === "diverged" && !selection?.hasImproved) throw ending;
    const path = await run.finish(selection !== null);
    const problem = selection?.problem;
    if (problem !== undefined) yield { event: "warning", code: "not-better", message: problem };
    const { step } = run.position;
    if (ending !== null) {
      const { reason, finding: message } = ending;
      const kept = path ?? (await run.save());
      yield { event: "stopped", step, path: kept, reason, message };
      throw ending.withModel(kept);
    }
    const verdict = selection?.verdict ?? null;
    if (verdict !== null && path !== null) yield { event: "stopped", step, path, ...verdict };
    yield { event: "done", step, path: files.path };
  } finally {
    await run.release();
  }
}

/** Passes events on, and returns how they end: before all of the work is done, or as `events` does. */
async function* untilUnfinished<R>(
  events: AsyncGenerator<TrainEvent, R, void>,
): AsyncGenerator<TrainEvent, R | UnfinishedTraining, void> {
  try {
    return yield* events;
  } catch (error) {
    if (error instanceof UnfinishedTraining) return error;
    throw error;
  }
}

/** A run that is open, and its checks. */
interface OpenRun {
  readonly run: TrainingRun;
  readonly selection: Selection | null;
  readonly training: Training;
  readonly steps: number;
}

/** Trains to the end of the run, a verdict or an interruption, and saves that position. Null for a run that is not interrupted. */
async function* steppedThrough({
  run,
  selection,
  training: { options, files, limit, checkpointSeconds = 120 },
  steps,
}: OpenRun): AsyncGenerator<TrainEvent, "interrupted" | null, void> {
  if (selection?.isDue(run.position)) yield await selection.check(run);
  let isLate = false;
  while (run.position.epoch < options.epochs && !selection?.verdict && !isLate) {
    const order = run.order();
    while (!run.isEpochDone) {
      const result = await run.step(order);
      if (result === null) {
        const path = await run.save();
        const model = selection?.hasImproved ? await run.finish(true) : null;
        yield { event: "interrupted", step: run.position.step, steps, path, model };
        return "interrupted";
      }
      const { step, epoch } = run.position;
      yield { event: "step", step, steps, epoch: epoch + 1, ...result };
      isLate = step < steps && limit?.isOver() === true;
      if (selection?.isDue(run.position, isLate)) yield await selection.check(run);
      if (selection?.verdict || isLate) break;
      if (run.secondsSinceSave >= checkpointSeconds && !run.isEpochDone)
        yield { event: "checkpoint", step, path: await run.save() };
    }
    if (!run.isEpochDone) {
      yield { event: "checkpoint", step: run.position.step, path: await run.save() };
      break;
    }
    const metrics = await run.finishEpoch();
    // The metrics first: a run killed between the two writes drops their line when it resumes, and writes it again.
    await withWriteErrors(files, appendMetrics(files, metrics));
    const path = await run.save();
    yield { event: "epoch", ...metrics };
    yield { event: "checkpoint", step: run.position.step, path };
  }
  if (limit !== undefined && isLate && !selection?.verdict) {
    const { text: finding, next } = limit;
    throw new UnfinishedTraining("time", { finding, left: "the last position is saved", next });
  }
  return null;
}
