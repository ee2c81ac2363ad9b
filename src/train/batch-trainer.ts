// Trains one batch at a time: one optimiser step, or the defence's own `train` procedure.
import { type LossObjective, type Objective, replacesExamples } from "../defenses/objective.ts";
import type { Defense } from "../defenses/table.ts";
import type { Feeds } from "../engine/runtime/runtime.ts";
import { lookUp } from "../math/look-up.ts";
import type { PluginDefinition } from "../math/plugin.ts";
import { sameShape, type Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "../models/architecture.ts";
import type { TrainState } from "../models/opening/checkpoint.ts";
import { emptyMemory, type ProcedureOptions, runProcedure } from "./batch-procedure.ts";
import { batchShape, lossOfBatch } from "./objective-graph.ts";
import { type BatchCall, type BatchTrainer, OneStepTrainer } from "./one-step-trainer.ts";
import type { Optimizer } from "./optimizer.ts";
import { StepwiseSession } from "./stepwise-session.ts";
import { lossGraph, type StepResult } from "./train-step.ts";
import type { Training } from "./training.ts";
import { trainingSession } from "./training-session.ts";

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
  start: BatchTrainerStart,
): Promise<BatchTrainer> {
  const trainer = await plainTrainer(training, optimizer, start);
  const { rateFactor } = optimizer;
  if (rateFactor === undefined) return trainer;
  return {
    train: (call) =>
      trainer.train(Object.assign({}, call, { rate: call.rate * rateFactor(call.progress.step) })),
    parameters: () => trainer.parameters(),
    state: () => trainer.state(),
    release: () => trainer.release(),
  };
}

/** A trainer that takes the rate as it is given. */
async function plainTrainer(
  training: Pick<Training, "runtime" | "architecture" | "defense">,
  optimizer: Optimizer,
  { batchSize, state: initial, isResumed, labelSmoothing }: BatchTrainerStart,
): Promise<BatchTrainer> {
  const { runtime, architecture, defense } = training;
  const { objective } = defense;
  const definition = definitionOf(defense);
  if (labelSmoothing !== undefined) requireSmoothable(objective);
  const lossIn = (phase?: string) =>
    Object.assign({}, lossOfBatch(definition, objective, phase), { labelSmoothing });
  const batchLoss = lossIn();
  const { state, memory: stored } = splitMemory(initial);
  const shape = batchShape(architecture, batchSize);
  if (replacesExamples(objective) || objective.train === undefined) {
    const begin = (from: TrainState, phase?: string) =>
      trainingSession(runtime, architecture, optimizer, batchSize, from, lossIn(phase));
    requirePhases(defense, architecture, batchSize);
    const hasPhases = !replacesExamples(objective) && objective.phase !== undefined;
    return new OneStepTrainer({
      definition,
      objective,
      start: hasPhases ? state : await begin(state),
      begin,
      shapes: batchLoss.arrays(shape),
    });
  }
  const zeros = emptyMemory(definition, objective, shape);
  const memory = isResumed ? restoredMemory(definition, zeros, stored) : zeros;
  const session = await StepwiseSession.begin(
    runtime,
    architecture,
    optimizer,
    batchSize,
    state,
    batchLoss,
  );
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
export function requireSmoothable(objective: Objective | LossObjective): void {
  if (replacesExamples(objective) || objective.exactLabels !== true) return;
  throw new UsageError(
    `${objective.name} reads the label of each example from its one-hot labels, so --label-smoothing does not apply; leave it out`,
    { code: "misfit" },
  );
}

/**
 * Throws `UsageError` if the loss of a later phase cannot be built for a network, because it has an operator that no bounds are
 * known for.
 */
export function requirePhases(defense: Defense, architecture: Architecture, batch: number): void {
  const { objective } = defense;
  if (replacesExamples(objective) || objective.phase === undefined) return;
  lossGraph(architecture, batch, lossOfBatch(definitionOf(defense), objective));
}

/** What a procedure works with in every batch. */
type Procedure = Omit<
  ProcedureOptions,
  "model" | "batch" | "memory" | "rate" | "progress" | "begin"
>;

/** Runs the defence's own procedure on each batch, and keeps its memory. */
class ProcedureTrainer implements BatchTrainer {
  readonly #options: Procedure;
  #memory: Tensors;

  constructor(options: Procedure, memory: Tensors) {
    this.#options = options;
    this.#memory = memory;
  }

  async train({ batch, rate, victim, progress, begin }: BatchCall): Promise<StepResult> {
    const call = { batch, rate, model: victim, progress, memory: this.#memory, begin };
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
