import { NotFiniteGradient } from "../attacks/preconditions.ts";
import type { Victim } from "../attacks/victim.ts";
import { InternalError } from "../math/internal-error.ts";
import type { Parameters } from "../models/architecture.ts";
import type { Classifier } from "../models/classifier.ts";
import type { Checkpoint, CheckpointMetadata, Position } from "../models/opening/checkpoint.ts";
import {
  checkpointName,
  checkpointNames,
  chosenCheckpoint,
  saveCheckpoint,
  saveChosen,
} from "../models/opening/checkpoints.ts";
import { trainableClassifier } from "../models/trainable-classifier.ts";
import { withStatisticsOf } from "./batch-statistics.ts";
import { epochTestAccuracy } from "./epoch-test-accuracy.ts";
import { modelAt } from "./first-weights.ts";
import { guarded, isInterruption, unlessInterrupted } from "./interruption.ts";
import type { EpochMetrics } from "./metrics.ts";
import type { BatchTrainer } from "./one-step-trainer.ts";
import type { Plan } from "./plan.ts";
import { exampleKeys } from "./streams.ts";
import type { Training } from "./training.ts";
import { areWeightsFinite, UnfinishedTraining } from "./unfinished.ts";
import { averagingOf, WeightAverage } from "./weight-average.ts";

/** The part of a position that each epoch starts with. */
export const EPOCH_START = { stepInEpoch: 0, lossSum: 0, correct: 0, seconds: 0 };

/**
 * Number of batches from which averaged weights get their running statistics; older batches would have faded to 0.5 %.
 */
const STATISTICS_BATCHES = 50;

/** What a run consists of when its training begins or resumes. */
export interface TrainingRunOptions {
  readonly training: Training;
  readonly plan: Plan;
  readonly trainer: BatchTrainer;
  readonly metadata: CheckpointMetadata;
  readonly position: Position;
  /** The averaged weights in that checkpoint; null if there are none. */
  readonly averaged: Parameters | null;
  /** The name of the checkpoint that holds this position; undefined for a new run. */
  readonly saved: string | undefined;
}

/** A training in progress: its position, its weights, and its newest checkpoint. */
export class TrainingRun {
  readonly #training: Training;
  readonly #plan: Plan;
  readonly #trainer: BatchTrainer;
  readonly #metadata: CheckpointMetadata;
  /** The network in both modes: `frozen` for checks, and one of them for the attack. */
  readonly #classifiers: { readonly frozen: Classifier; readonly batch: Classifier };
  readonly #victim: Victim;
  #position: Position;
  /** Whether the weights have changed in this batch, which must then be finished. */
  #hasBegun = false;
  #saved: { readonly name: string | undefined; readonly at: number };
  readonly #average: WeightAverage | null;
  /** The network with the run's model as weights: `#judged`, or without averaging those of the last step. */
  readonly #model: Classifier;
  #judged: Parameters | null = null;
  /** What `#judged` was made from: batch statistics depend on the epoch. */
  #judgedFrom: { readonly average: Parameters | null; readonly epoch: number } | null = null;

  constructor(options: TrainingRunOptions) {
    const { training, plan, trainer, metadata, position, saved, averaged } = options;
    const { runtime, architecture, signal } = training;
    const current = () => trainer.parameters();
    this.#training = training;
    this.#plan = plan;
    this.#trainer = trainer;
    this.#metadata = metadata;
    this.#position = position;
    this.#saved = { name: saved, at: performance.now() };
    this.#classifiers = {
      frozen: trainableClassifier(runtime, architecture, current, "frozen"),
      batch: trainableClassifier(runtime, architecture, current, "batch"),
    };
    const averaging = averagingOf(training.options, plan.steps);
    this.#average = averaging === undefined ? null : new WeightAverage(averaging, averaged);
    this.#model =
      averaging === undefined
        ? this.#classifiers.frozen
        : trainableClassifier(
            runtime,
            architecture,
            () => this.#judged ?? this.#trainer.parameters(),
            "frozen",
          );
    const isAborted = () => signal?.aborted === true && !this.#hasBegun;
    this.#victim = guarded(this.#classifiers[training.options.attackMode], isAborted);
  }

  get position(): Position {
    return this.#position;
  }

  /** The data-set indices of this epoch's examples in training order. */
  order(): readonly number[] {
    return this.#plan.order(this.#position.epoch);
  }

  get isEpochDone(): boolean {
    return this.#position.stepInEpoch >= this.#plan.stepsPerEpoch;
  }

  get secondsSinceSave(): number {
    return (performance.now() - this.#saved.at) / 1000;
  }

  /**
   * Attacks the next batch of an epoch with this order, and trains on it. Returns the loss and the learning rate; null
   * if the signal aborted, and then nothing has changed. Throws `UsageError` for a loss that is not finite.
   */
  async step(order: readonly number[]): Promise<{ loss: number; rate: number } | null> {
    const started = performance.now();
    const position = this.#position;
    if (this.#training.signal?.aborted) return null;
    const rate = this.#plan.rateAt(position.step);
    this.#training.beforeStep?.(position.step, this.#plan.steps);
    const next = { epoch: position.epoch, stepInEpoch: position.stepInEpoch + 1 };
    this.#hasBegun = false;
    const trained = this.#trainer.train({
      batch: this.#plan.batchAt(position, order),
      rate,
      progress: { step: position.step, steps: this.#plan.steps },
      victim: this.#victim,
      begin: () => {
        if (!this.#hasBegun) this.#plan.prefetch(next, order);
        this.#hasBegun = true;
      },
    });
    const result = await unlessInterrupted(
      trained.catch((error) => this.#explained(error, position.step + 1)),
    );
    if (result === null) return null;
    const { loss, correct } = result;
    if (!Number.isFinite(loss))
      throw await this.#divergence(`a loss of ${loss}`, position.step + 1);
    this.#position = {
      step: position.step + 1,
      epoch: position.epoch,
      stepInEpoch: position.stepInEpoch + 1,
      lossSum: position.lossSum + loss,
      correct: position.correct + correct,
      seconds: position.seconds + (performance.now() - started) / 1000,
    };
    await this.#takeAverage();
    return { loss, rate };
  }

  async #takeAverage(): Promise<void> {
    if (this.#average === null) return;
    const feeds = this.#trainer.parameters();
    const isOnHost = Object.values(feeds).every((array) => "data" in array);
    const weights = isOnHost ? (feeds as Parameters) : (await this.#trainer.state()).parameters;
    this.#average.add(weights, this.#position.step);
  }

  /** The network with the weights that `modelCheckpoint` saves. */
  async model(): Promise<Classifier> {
    await this.#averaged();
    return this.#model;
  }

  /** The averaged weights as the model has them; null before the average begins. */
  async #averaged(): Promise<Parameters | null> {
    const average = this.#average?.current ?? null;
    const { epoch } = this.#position;
    if (this.#judgedFrom?.average !== average || this.#judgedFrom.epoch !== epoch)
      this.#judged = average === null ? null : await this.#withStatistics(average);
    this.#judgedFrom = { average, epoch };
    return this.#judged;
  }

  /** Equally averaged weights with batch statistics of their own; exponential averages have averaged ones. */
  async #withStatistics(averaged: Parameters): Promise<Parameters> {
    const { runtime, architecture, options } = this.#training;
    if (options.swa === undefined) return averaged;
    const { epoch } = this.#position;
    const order = this.#plan.order(epoch);
    const count = Math.min(STATISTICS_BATCHES, this.#plan.stepsPerEpoch);
    const batches = Array.from({ length: count }, (_, stepInEpoch) =>
      this.#plan.batchAt(Object.assign({}, this.#position, { stepInEpoch }), order),
    );
    return withStatisticsOf(runtime, architecture, averaged, batches);
  }

  /** A checkpoint with the run's model alone, without what a resumed run needs. */
  async modelCheckpoint(): Promise<Checkpoint> {
    const checkpoint = await this.checkpoint();
    const parameters = (await this.#averaged()) ?? checkpoint.state.parameters;
    const model = modelAt(this.#position, checkpoint.model, this.#training.first);
    return Object.assign({}, checkpoint, { model, state: { parameters, slots: {} } });
  }

  /** Checks the accuracy of the network, and moves on to the next epoch. Returns the metrics of the finished one. */
  async finishEpoch(): Promise<EpochMetrics> {
    const { dataset, defense, options } = this.#training;
    const { epoch, step, lossSum, correct, seconds } = this.#position;
    const { stepsPerEpoch, batch } = this.#plan;
    const check = await epochTestAccuracy(await this.model(), dataset, defense.noise, (indices) =>
      exampleKeys(options.seed, "check", epoch, indices),
    );
    this.#position = { step, epoch: epoch + 1, ...EPOCH_START };
    return {
      epoch: epoch + 1,
      step,
      loss: lossSum / stepsPerEpoch,
      trainAccuracy: correct / (stepsPerEpoch * batch),
      testAccuracy: check.accuracy,
      testExamples: check.examples,
      testNoise: defense.noise?.name ?? null,
      rate: this.#plan.rateAt(step - 1),
      seconds,
    };
  }

  /**
   * Ends the run: its model is the chosen checkpoint if `chooses`, else its averaged weights or the last ones. Returns the path of
   * the chosen checkpoint; null if the last weights are the model.
   */
  async finish(chooses: boolean): Promise<string | null> {
    const { files, finish } = this.#training;
    if (!chooses && this.#average === null) {
      await finish?.(await this.checkpoint());
      return null;
    }
    if (!chooses) await saveChosen(files, await this.modelCheckpoint());
    const chosen = await chosenCheckpoint(files);
    if (chosen === undefined) throw new InternalError("a run ended without a chosen checkpoint");
    await finish?.(chosen.checkpoint);
    return `${files.path}/${chosen.name}`;
  }

  /** Everything that a resumed run needs. */
  async checkpoint(): Promise<Checkpoint> {
    const { parameters, slots } = await this.#trainer.state();
    return {
      state: { parameters, slots: Object.assign({}, slots, this.#average?.slots()) },
      position: this.#position,
      model: this.#metadata,
      options: this.#training.options,
      target: this.#training.runtime.target,
    };
  }

  /**
   * Saves a checkpoint unless this position is saved already; returns its path. Throws `UsageError` for weights that are
   * not finite.
   */
  async save(): Promise<string> {
    const { files } = this.#training;
    const checkpoint = await this.checkpoint();
    if (!areWeightsFinite(checkpoint.state))
      throw await this.#divergence(BAD_WEIGHTS, this.#position.step);
    const name = checkpointName(this.#position);
    if (this.#saved.name !== name) await saveCheckpoint(files, checkpoint);
    this.#saved = { name, at: performance.now() };
    return `${files.path}/${name}`;
  }

  async release(): Promise<void> {
    const { frozen, batch } = this.#classifiers;
    const all = new Set([this.#trainer, frozen, batch, this.#model]);
    await Promise.all([...all].map((one) => one.release()));
  }

  /**
   * Throws the divergence behind an error of an attack after a step: gradients or weights that are not finite; else the error
   * itself.
   */
  async #explained(error: unknown, step: number): Promise<never> {
    if (isInterruption(error)) throw error;
    if (!areWeightsFinite(await this.#trainer.state()))
      throw await this.#divergence(BAD_WEIGHTS, step);
    throw error instanceof NotFiniteGradient
      ? await this.#divergence("gradients that are not finite", step)
      : error;
  }

  async #divergence(found: string, step: number): Promise<UnfinishedTraining> {
    const { files, options } = this.#training;
    const [newest] = await checkpointNames(files);
    const last = newest ?? (await chosenCheckpoint(files))?.name;
    const good = last === undefined ? "none" : `${files.path}/${last}`;
    const finding = `step ${step} of ${this.#plan.steps} gave ${found}`;
    return new UnfinishedTraining("diverged", {
      finding,
      left: `the last good checkpoint is ${good}`,
      next: `start again with a lower rate than --rate ${options.rate}`,
    });
  }
}

const BAD_WEIGHTS = "weights that are not finite";
