// Trains one batch at a time by one step of the optimiser.
import { tracingErrors } from "../attacks/tracing-errors.ts";
import type { Victim } from "../attacks/victim.ts";
import {
  type LossObjective,
  type Objective,
  replacesExamples,
  type TrainingProgress,
} from "../defenses/objective.ts";
import type { Feeds } from "../engine/runtime/runtime.ts";
import { awaitPlugin, callPlugin, type PluginDefinition, requireResult } from "../math/plugin.ts";
import { isBuiltIn } from "../math/registry.ts";
import type { Shape, Tensor } from "../math/tensor.ts";
import type { TrainState } from "../models/opening/checkpoint.ts";
import { feedsOf, type PlainBatch } from "./batch-procedure.ts";
import { isInterruption } from "./interruption.ts";
import type { StepBatch, StepResult } from "./train-step.ts";
import type { TrainingSession } from "./training-session.ts";

/** Arguments of `BatchTrainer.train`. */
export interface BatchCall {
  readonly batch: PlainBatch;
  readonly rate: number;
  /** The network as the attack sees it; it may throw an interruption until `begin` has been called. */
  readonly victim: Victim;
  readonly progress: TrainingProgress;
  /** Called before the weights change. */
  readonly begin: () => void;
}

/** Trains one batch at a time. */
export interface BatchTrainer {
  /** Trains on a batch. If `victim` throws an interruption, nothing has changed. */
  train(call: BatchCall): Promise<StepResult>;
  /** Parameters and running statistics, to be fed; a new object after any parameter or statistic changes. */
  parameters(): Feeds;
  /** Everything that a resumed run needs, on the host: parameters, the optimiser's slots, the defence's memory. */
  state(): Promise<TrainState>;
  release(): Promise<void>;
}

/** What `OneStepTrainer` works with. */
interface OneStep {
  readonly definition: PluginDefinition;
  readonly objective: Objective | LossObjective;
  /** A session, or for an objective with phases the state before the first of them. */
  readonly start: TrainingSession | TrainState;
  /** Begins a session for a phase. */
  begin(state: TrainState, phase: string): Promise<TrainingSession>;
  /** Shapes of the arrays that the loss takes. */
  readonly shapes: Readonly<Record<string, Shape>>;
}

const isSession = (one: TrainingSession | TrainState): one is TrainingSession => "run" in one;

/** Takes one step of the optimiser per batch. A new phase of the objective begins a new session from the state of the old one. */
export class OneStepTrainer implements BatchTrainer {
  readonly #options: OneStep;
  #phase: string | undefined;
  #current: TrainingSession | TrainState;

  constructor(options: OneStep) {
    this.#options = options;
    this.#current = options.start;
  }

  async train({ batch, rate, victim, progress, begin }: BatchCall): Promise<StepResult> {
    const stepBatch = await this.#stepBatch(victim, batch, progress);
    const session = await this.#sessionAt(progress);
    begin();
    return session.run(stepBatch, rate);
  }

  async #sessionAt(progress: TrainingProgress): Promise<TrainingSession> {
    const { definition, objective } = this.#options;
    const phase = replacesExamples(objective)
      ? undefined
      : callPlugin(definition, "phase", () => objective.phase?.(progress));
    if (isSession(this.#current) && phase === this.#phase) return this.#current;
    const state = await this.state();
    const session = await this.#options.begin(state, String(phase));
    await this.release();
    this.#current = session;
    this.#phase = phase;
    return session;
  }

  async #stepBatch(
    victim: Victim,
    batch: PlainBatch,
    progress: TrainingProgress,
  ): Promise<StepBatch> {
    const { definition, objective, shapes } = this.#options;
    const { x, labels, dropoutKeys: keys } = batch;
    if (replacesExamples(objective))
      return { x: await examplesOf(definition, objective, victim, batch), labels, keys };
    return {
      x,
      arrays: await feedsOf(definition, objective, shapes, victim, batch, progress),
      labels,
      keys,
    };
  }

  parameters(): Feeds {
    const current = this.#current;
    return isSession(current) ? current.parameters() : current.parameters;
  }

  async state(): Promise<TrainState> {
    return isSession(this.#current) ? this.#current.state() : this.#current;
  }

  async release(): Promise<void> {
    if (isSession(this.#current)) await this.#current.release();
  }
}

/** The examples to train on, [batch, ...pixels]; those of a defence from outside are checked. */
function examplesOf(
  definition: PluginDefinition,
  objective: Objective,
  victim: Victim,
  { x, labels, objectiveKeys }: PlainBatch,
): Promise<Tensor> {
  if (isBuiltIn(definition)) return objective.examples(victim, x, labels, objectiveKeys);
  const traced = tracingErrors(victim);
  const run = () => objective.examples(traced.victim, x, labels, objectiveKeys);
  const passes = (error: unknown) => isInterruption(error) || traced.isFromVictim(error);
  return awaitPlugin(definition, "examples", run, passes).then((examples) =>
    requireResult(definition, "examples", examples, x.shape),
  );
}
