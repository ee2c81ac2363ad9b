// Trains one batch at a time: one optimiser step, or the defence's own `train` procedure.
import { tracingErrors } from "../attacks/tracing-errors.ts";
import type { Victim } from "../attacks/victim.ts";
import { type LossObjective, type Objective, replacesExamples } from "../defenses/objective.ts";
import type { Defense } from "../defenses/table.ts";
import type { Feeds } from "../engine/runtime/runtime.ts";
import { lookUp } from "../math/look-up.ts";
import { awaitPlugin, type PluginDefinition, requireResult } from "../math/plugin.ts";
import { isBuiltIn } from "../math/registry.ts";
import { type Shape, sameShape, type Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { TrainState } from "../models/opening/checkpoint.ts";
import {
  emptyMemory,
  feedsOf,
  type PlainBatch,
  type ProcedureOptions,
  runProcedure,
} from "./batch-procedure.ts";
import { isInterruption } from "./interruption.ts";
import { batchShape, lossOfBatch } from "./objective-graph.ts";
import type { Optimizer } from "./optimizer.ts";
import { StepwiseSession } from "./stepwise-session.ts";
import type { StepBatch, StepResult } from "./train-step.ts";
import type { Training } from "./training.ts";
import { type TrainingSession, trainingSession } from "./training-session.ts";

/** Arguments of `BatchTrainer.train`. */
export interface BatchCall {
  readonly batch: PlainBatch;
  readonly rate: number;
  /** The network as the attack sees it; it may throw an interruption until `begin` has been called. */
  readonly victim: Victim;
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

/** Where a training run begins. */
export interface BatchTrainerStart {
  /** Examples per batch. */
  readonly batchSize: number;
  readonly state: TrainState;
  /** Whether the state is that of a checkpoint, which must hold the defence's memory. */
  readonly isResumed: boolean;
  /** The share of each label that is spread evenly over all classes; 0 by default. */
  readonly labelSmoothing?: number | undefined;
}

type Tensors = Readonly<Record<string, Tensor>>;

/** The prefix of the slots that hold a defence's memory. */
const MEMORY_PREFIX = "objective/";

/** The definition of a defence, for messages. */
const definitionOf = ({ name, definition }: Defense): PluginDefinition =>
  definition ?? { type: "defense", name };

/**
 * Begins a training run. Throws `UsageError` if a resumed state lacks the defence's memory, or holds it in other shapes. A new
 * run begins with a memory of zeros.
 */
export async function batchTrainer(
  training: Pick<Training, "runtime" | "architecture" | "defense">,
  optimizer: Optimizer,
  { batchSize, state: initial, isResumed, labelSmoothing }: BatchTrainerStart,
): Promise<BatchTrainer> {
  const { runtime, architecture, defense } = training;
  const { objective } = defense;
  const definition = definitionOf(defense);
  if (labelSmoothing !== undefined) requireSmoothable(objective);
  const batchLoss = Object.assign({}, lossOfBatch(definition, objective), { labelSmoothing });
  const { state, memory: stored } = splitMemory(initial);
  const compiled = [runtime, architecture, optimizer, batchSize, state, batchLoss] as const;
  const shape = batchShape(architecture, batchSize);
  if (replacesExamples(objective) || objective.train === undefined)
    return new OneStepTrainer({
      definition,
      objective,
      session: await trainingSession(...compiled),
      shapes: batchLoss.arrays(shape),
    });
  const zeros = emptyMemory(definition, objective, shape);
  const memory = isResumed ? restoredMemory(definition, zeros, stored) : zeros;
  const session = await StepwiseSession.begin(...compiled);
  const { train } = objective;
  return new ProcedureTrainer(
    {
      defense: definition,
      train: (batch) => train.call(objective, batch),
      session,
      architecture,
      lossOf: batchLoss,
    },
    memory,
  );
}

/** Throws `UsageError` for a loss that reads the label itself from the array that smoothing changes. */
function requireSmoothable(objective: Objective | LossObjective): void {
  if (replacesExamples(objective) || objective.exactLabels !== true) return;
  throw new UsageError(
    `${objective.name} reads the label of each example from its one-hot labels, so --label-smoothing does not apply; leave it out`,
    { code: "misfit" },
  );
}

/** What `OneStepTrainer` works with. */
interface OneStep {
  readonly definition: PluginDefinition;
  readonly objective: Objective | LossObjective;
  readonly session: TrainingSession;
  /** Shapes of the arrays that the loss takes. */
  readonly shapes: Readonly<Record<string, Shape>>;
}

/** Takes one step of the optimiser per batch. */
class OneStepTrainer implements BatchTrainer {
  readonly #options: OneStep;

  constructor(options: OneStep) {
    this.#options = options;
  }

  async train({ batch, rate, victim, begin }: BatchCall): Promise<StepResult> {
    const stepBatch = await this.#stepBatch(victim, batch);
    begin();
    return this.#options.session.run(stepBatch, rate);
  }

  async #stepBatch(victim: Victim, batch: PlainBatch): Promise<StepBatch> {
    const { definition, objective, shapes } = this.#options;
    const { x, labels, dropoutKeys: keys } = batch;
    if (replacesExamples(objective))
      return { x: await examplesOf(definition, objective, victim, batch), labels, keys };
    return {
      x,
      arrays: await feedsOf(definition, objective, shapes, victim, batch),
      labels,
      keys,
    };
  }

  parameters(): Feeds {
    return this.#options.session.parameters();
  }

  state(): Promise<TrainState> {
    return this.#options.session.state();
  }

  release(): Promise<void> {
    return this.#options.session.release();
  }
}

/** What a procedure works with in every batch. */
type Procedure = Omit<ProcedureOptions, "model" | "batch" | "memory" | "rate" | "begin">;

/** Runs the defence's own procedure on each batch, and keeps its memory. */
class ProcedureTrainer implements BatchTrainer {
  readonly #options: Procedure;
  #memory: Tensors;

  constructor(options: Procedure, memory: Tensors) {
    this.#options = options;
    this.#memory = memory;
  }

  async train({ batch, rate, victim, begin }: BatchCall): Promise<StepResult> {
    const call = { batch, rate, model: victim, memory: this.#memory, begin };
    const { result, memory } = await runProcedure(Object.assign(call, this.#options));
    this.#memory = memory;
    return result;
  }

  parameters(): Feeds {
    return this.#options.session.parameters();
  }

  async state(): Promise<TrainState> {
    const { parameters, slots } = await this.#options.session.state();
    const all: Record<string, Tensor> = Object.assign({}, slots);
    for (const [name, array] of Object.entries(this.#memory)) all[MEMORY_PREFIX + name] = array;
    return { parameters, slots: all };
  }

  release(): Promise<void> {
    return this.#options.session.release();
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

/** A state without the memory of the defence, and that memory by name; empty if there is none. */
function splitMemory({ parameters, slots }: TrainState): {
  readonly state: TrainState;
  readonly memory: Tensors;
} {
  const isMemory = (name: string) => name.startsWith(MEMORY_PREFIX);
  const all = Object.entries(slots);
  return {
    state: { parameters, slots: Object.fromEntries(all.filter(([name]) => !isMemory(name))) },
    memory: Object.fromEntries(
      all
        .filter(([name]) => isMemory(name))
        .map(([name, array]) => [name.slice(MEMORY_PREFIX.length), array]),
    ),
  };
}

/** The memory in a checkpoint. Throws `UsageError` if an array that the defence asks for is absent or has another shape. */
function restoredMemory(definition: PluginDefinition, asked: Tensors, stored: Tensors): Tensors {
  for (const [name, { shape }] of Object.entries(asked)) {
    const found = lookUp(stored, name);
    if (found !== undefined && sameShape(found.shape, shape)) continue;
    const holds =
      found === undefined
        ? `has no array ${name} of ${definition.name}`
        : `holds ${name} of ${definition.name} as [${found.shape.join(", ")}]`;
    throw new UsageError(
      `the checkpoint ${holds}, and the defence now asks for [${shape.join(", ")}]`,
      { code: "misfit", next: "use the defence as it was, or start another run directory" },
    );
  }
  return stored;
}
