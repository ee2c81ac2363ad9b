import type { Dataset } from "../data/dataset.ts";
import type { Defense } from "../defenses/table.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { RunFiles } from "../files/run/run-files.ts";
import { UsageError } from "../math/usage-error.ts";
import { type Architecture, parameterCount } from "../models/architecture.ts";
import { initialParameters } from "../models/initial.ts";
import {
  type Checkpoint,
  type CheckpointMetadata,
  misfit,
  type Position,
  type TrainState,
} from "../models/opening/checkpoint.ts";
import {
  checkpointName,
  checkpointNames,
  latestCheckpoint,
  saveCheckpoint,
  withWriteErrors,
} from "../models/opening/checkpoints.ts";
import { trainableClassifier } from "../models/trainable-classifier.ts";
import { changedTarget } from "./changed-target.ts";
import { checkAccuracy } from "./check-accuracy.ts";
import type { TrainEvent } from "./events.ts";
import { guarded, unlessInterrupted } from "./interruption.ts";
import { appendMetrics, type EpochMetrics, truncateMetrics } from "./metrics.ts";
import { sgd } from "./optimizer.ts";
import type { ResolvedOptions } from "./options.ts";
import { planOf } from "./plan.ts";
import { MOMENTUM } from "./recipes.ts";
import { exampleKeys, runKey } from "./streams.ts";
import { initialState } from "./train-step.ts";
import { trainingSession } from "./training-session.ts";

/** What training works on; `options` has every choice that is not one of these objects. */
export interface Training {
  readonly runtime: Runtime;
  readonly architecture: Architecture;
  readonly dataset: Dataset;
  readonly defense: Defense;
  readonly options: ResolvedOptions;
  readonly files: RunFiles;
  /** Ends training between two runs of the network; a checkpoint is saved first. */
  readonly signal?: AbortSignal;
  /** Seconds between checkpoints within an epoch; 0 saves after every step. */
  readonly checkpointSeconds?: number;
  /** Called with the trained model, for what a finished run leaves behind. */
  readonly finish?: (checkpoint: Checkpoint) => Promise<void>;
}

/** The card of a model in training. */
export function metadataOf(
  architecture: Architecture,
  { name, shape, classes, mean, std, train, heldOut }: Dataset,
  defense: Defense,
): CheckpointMetadata {
  const card: CheckpointMetadata = {
    architecture: architecture.name,
    parameters: parameterCount(architecture),
    trainImages: train.size,
    input: { shape, classes: classes.length, mean, std },
    classNames: classes,
    defense: defense.name,
    noise: defense.noise?.name ?? null,
    data: name,
  };
  return heldOut === undefined ? card : { ...card, heldOut };
}

/** Fails if the checkpoint in the file `path` is of another network or of other data than `card`. */
function refuseOther(
  path: string,
  { state, model }: Checkpoint,
  card: CheckpointMetadata,
  wanted: Architecture,
): void {
  const wrong = misfit(wanted, state.parameters);
  if (model.architecture !== wanted.name || wrong !== undefined) {
    const count = model.parameters.toLocaleString("en");
    const why = model.architecture === wanted.name ? `, where ${wrong}` : "";
    throw new UsageError(
      `${path} holds a ${model.architecture} (${count} parameters), the options ask for ${wanted.name}${why}`,
      { code: "misfit", next: `use --model ${model.architecture}, or start another run directory` },
    );
  }
  const text = ({ trainImages, classNames }: CheckpointMetadata) =>
    `${trainImages} training images of ${classNames.join(", ")}`;
  if (text(model) !== text(card))
    throw new UsageError(
      `${card.data} has changed since ${path} was saved: it had ${text(model)}, and has ${text(card)}`,
      { code: "misfit", next: "bring it back, or start another run directory" },
    );
}

const allFinite = ({ parameters }: TrainState): boolean =>
  Object.values(parameters).every(({ data }) => Number.isFinite(data.reduce((a, b) => a + b, 0)));

const NOTHING = { stepInEpoch: 0, lossSum: 0, correct: 0, seconds: 0 };

/**
 * Trains until `options.epochs` epochs are done, going on from the newest checkpoint in `files` if there is one, and
 * yields what happens. An interrupted run that is resumed with the same machine, threads and lowering ends in the
 * same bits as one that was not.
 */
export async function* train(training: Training): AsyncGenerator<TrainEvent, void, void> {
  const { runtime, architecture, dataset, defense, options, files, signal } = training;
  const { checkpointSeconds = 120 } = training;
  const plan = planOf(options, dataset, defense);
  const { steps, stepsPerEpoch } = plan;
  const optimizer = sgd({ momentum: MOMENTUM, weightDecay: options.weightDecay });

  let latest = await latestCheckpoint(files);
  const from = latest === undefined ? null : `${files.path}/${latest.name}`;
  const card = metadataOf(architecture, dataset, defense);
  if (latest !== undefined && from !== null)
    refuseOther(from, latest.checkpoint, card, architecture);
  let initial: TrainState | undefined =
    latest?.checkpoint.state ??
    initialState(
      architecture,
      optimizer,
      initialParameters(architecture, runKey(options.seed, "initial")),
    );
  let position: Position = latest?.checkpoint.position ?? { step: 0, epoch: 0, ...NOTHING };
  await truncateMetrics(files, position.epoch);
  yield { event: "start", epochs: options.epochs, steps, step: position.step, from };
  const changed = latest && changedTarget(latest.checkpoint.target, runtime.target);
  if (changed !== undefined) yield { event: "warning", code: "other-target", message: changed };

  const step = await trainingSession(runtime, architecture, optimizer, plan.batch, initial);
  let saved = { name: latest?.name, at: performance.now() };
  // Training may take days, and would hold the arrays that it began with.
  initial = undefined;
  latest = undefined;
  const classifiers = {
    frozen: trainableClassifier(runtime, architecture, step.parameters, "frozen"),
    batch: trainableClassifier(runtime, architecture, step.parameters, "batch"),
  };
  const victim = guarded(classifiers[options.attackMode], signal);

  const checkpoint = async (): Promise<Checkpoint> => ({
    state: await step.state(),
    position,
    model: card,
    options,
    target: runtime.target,
  });

  /** Saves where training stands, unless that is saved already; weights that are not finite never are. */
  async function save(): Promise<string> {
    const now = await checkpoint();
    if (!allFinite(now.state)) throw await diverged("weights that are not finite");
    const name = checkpointName(position);
    if (saved.name !== name) await saveCheckpoint(files, now);
    saved = { name, at: performance.now() };
    return `${files.path}/${name}`;
  }

  async function diverged(what: string): Promise<UsageError> {
    const [last] = await checkpointNames(files);
    return new UsageError(
      `step ${position.step + 1} of ${steps} gave ${what}; the last good checkpoint is ${last === undefined ? "none" : `${files.path}/${last}`}`,
      { code: "diverged", next: `start again with a lower rate than --rate ${options.rate}` },
    );
  }

  async function metricsOf({ epoch, step, lossSum, correct, seconds }: Position) {
    const check = await checkAccuracy(classifiers.frozen, dataset, defense.noise, (indices) =>
      exampleKeys(options.seed, "check", epoch, indices),
    );
    return {
      epoch: epoch + 1,
      step,
      loss: lossSum / stepsPerEpoch,
      trainAccuracy: correct / (stepsPerEpoch * plan.batch),
      testAccuracy: check.accuracy,
      testExamples: check.examples,
      testNoise: defense.noise?.name ?? null,
      rate: plan.rateAt(step - 1),
      seconds,
    } satisfies EpochMetrics;
  }

  try {
    while (position.epoch < options.epochs) {
      const order = plan.order(position.epoch);
      while (position.stepInEpoch < stepsPerEpoch) {
        const started = performance.now();
        const batch = signal?.aborted
          ? null
          : await unlessInterrupted(plan.batchAt(position, order, victim));
        if (batch === null) {
          const path = await save();
          yield { event: "interrupted", step: position.step, steps, path };
          return;
        }
        const rate = plan.rateAt(position.step);
        plan.prefetch({ ...position, stepInEpoch: position.stepInEpoch + 1 }, order);
        const { loss, correct } = await step.run(batch, rate);
        if (!Number.isFinite(loss)) throw await diverged(`a loss of ${loss}`);
        position = {
          step: position.step + 1,
          epoch: position.epoch,
          stepInEpoch: position.stepInEpoch + 1,
          lossSum: position.lossSum + loss,
          correct: position.correct + correct,
          seconds: position.seconds + (performance.now() - started) / 1000,
        };
        yield { event: "step", step: position.step, steps, epoch: position.epoch + 1, loss, rate };
        const due = performance.now() - saved.at >= 1000 * checkpointSeconds;
        if (due && position.stepInEpoch < stepsPerEpoch)
          yield { event: "checkpoint", step: position.step, path: await save() };
      }
      const metrics = await metricsOf(position);
      position = { step: position.step, epoch: position.epoch + 1, ...NOTHING };
      // The line first: a run killed in between drops it when it resumes, and writes it again.
      await withWriteErrors(files, appendMetrics(files, metrics));
      const path = await save();
      yield { event: "epoch", ...metrics };
      yield { event: "checkpoint", step: position.step, path };
    }
    await training.finish?.(await checkpoint());
    yield { event: "done", step: position.step, path: files.path };
  } finally {
    await Promise.all([step, classifiers.frozen, classifiers.batch].map((one) => one.release()));
  }
}
