// Trains on one batch after another, as the defence asks: by one step per batch, or by a procedure of its own.
import type { Victim } from "../attacks/victim.ts";
import { type Objective, replacesExamples } from "../defenses/objective.ts";
import type { Defense } from "../defenses/table.ts";
import type { Feeds } from "../engine/runtime/runtime.ts";
import { awaitPlugin, type PluginDefinition, requireResult } from "../math/plugin.ts";
import { isBuiltIn } from "../math/registry.ts";
import type { Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { TrainState } from "../models/opening/checkpoint.ts";
import { emptyMemory, feedsOf, type PlainBatch, runProcedure } from "./batch-procedure.ts";
import { isInterruption } from "./interruption.ts";
import { batchShape, lossOfBatch } from "./objective-graph.ts";
import type { Optimizer } from "./optimizer.ts";
import { StepwiseSession } from "./stepwise-session.ts";
import type { StepResult } from "./train-step.ts";
import type { Training } from "./training.ts";
import { trainingSession } from "./training-session.ts";

/** What belongs to one batch of a training. */
export interface BatchCall {
  readonly batch: PlainBatch;
  readonly rate: number;
  /** The network as the attack sees it; it may throw an interruption until `begin` has been called. */
  readonly victim: Victim;
  /** Called before the weights change. */
  readonly begin: () => void;
}

/** A training in progress, one batch at a time. */
export interface BatchTrainer {
  /** Trains on a batch. If `victim` throws an interruption, nothing has changed. */
  train(call: BatchCall): Promise<StepResult>;
  /** Parameters and running statistics, to be fed; a new object whenever one has changed. */
  parameters(): Feeds;
  /** Everything that a resumed run needs, on the host: parameters, the optimiser's slots, the defence's memory. */
  state(): Promise<TrainState>;
  release(): Promise<void>;
}

/** The prefix of the slots that hold a defence's memory. */
const MEMORY_PREFIX = "objective/";

/** The definition of a defence, for messages. */
const definitionOf = ({ name, definition }: Defense): PluginDefinition =>
  definition ?? { type: "defense", name };

/** Begins a training at `initial`. Throws `UsageError` for a checkpoint without the defence's memory. */
export async function batchTrainer(
  training: Pick<Training, "runtime" | "architecture" | "defense">,
  optimizer: Optimizer,
  batch: number,
  initial: TrainState,
): Promise<BatchTrainer> {
  const { runtime, architecture, defense } = training;
  const { objective } = defense;
  const definition = definitionOf(defense);
  const lossOf = lossOfBatch(definition, objective);
  const { parameters, slots, memory } = splitMemory(initial);
  const state = { parameters, slots };
  if (replacesExamples(objective) || objective.train === undefined) {
    const session = await trainingSession(runtime, architecture, optimizer, batch, state, lossOf);
    const shapes = lossOf.arrays(batchShape(architecture, batch));
    return {
      async train({ batch, rate, victim, begin }) {
        const { x, labels, dropoutKeys: keys } = batch;
        const changed = replacesExamples(objective)
          ? { x: await examplesOf(definition, objective, victim, batch), labels, keys }
          : {
              x,
              arrays: await feedsOf(definition, objective, shapes, victim, batch),
              labels,
              keys,
            };
        begin();
        return session.run(changed, rate);
      },
      parameters: () => session.parameters(),
      state: () => session.state(),
      release: () => session.release(),
    };
  }
  const { train } = objective;
  const session = await StepwiseSession.begin(
    runtime,
    architecture,
    optimizer,
    batch,
    state,
    lossOf,
  );
  const empty = emptyMemory(definition, objective, batchShape(architecture, batch));
  let kept = memory === null ? empty : restoredMemory(definition, empty, memory);
  return {
    async train({ batch, rate, victim, begin }) {
      const { result, memory } = await runProcedure({
        defense: definition,
        train: (one) => train.call(objective, one),
        session,
        architecture,
        lossOf,
        model: victim,
        batch,
        memory: kept,
        rate,
        begin,
      });
      kept = memory;
      return result;
    },
    parameters: () => session.parameters(),
    async state() {
      const { parameters, slots } = await session.state();
      const all: Record<string, Tensor> = Object.assign({}, slots);
      for (const [name, array] of Object.entries(kept)) all[MEMORY_PREFIX + name] = array;
      return { parameters, slots: all };
    },
    release: () => session.release(),
  };
}

/** The examples to train on, [batch, ...pixels]; those of a defence from outside are checked. */
function examplesOf(
  definition: PluginDefinition,
  objective: Objective,
  victim: Victim,
  { x, labels, objectiveKeys }: PlainBatch,
): Promise<Tensor> {
  const run = () => objective.examples(victim, x, labels, objectiveKeys);
  if (isBuiltIn(definition)) return run();
  return awaitPlugin(definition, "examples", run, isInterruption).then((examples) =>
    requireResult(definition, "examples", examples, x.shape),
  );
}

/** A state, with the memory of the defence apart; null at the start of a run. */
function splitMemory({ parameters, slots }: TrainState) {
  const isMemory = (name: string) => name.startsWith(MEMORY_PREFIX);
  const all = Object.entries(slots);
  const memory = Object.fromEntries(
    all
      .filter(([name]) => isMemory(name))
      .map(([name, array]) => [name.slice(MEMORY_PREFIX.length), array]),
  );
  return {
    parameters,
    slots: Object.fromEntries(all.filter(([name]) => !isMemory(name))),
    memory: Object.keys(memory).length === 0 ? null : memory,
  };
}

/** The memory in a checkpoint, checked to be of the shapes that the defence asks for. */
function restoredMemory(
  definition: PluginDefinition,
  empty: Readonly<Record<string, Tensor>>,
  stored: Readonly<Record<string, Tensor>>,
): Readonly<Record<string, Tensor>> {
  for (const [name, { shape }] of Object.entries(empty))
    if (stored[name]?.shape.join() !== shape.join())
      throw new UsageError(
        `the checkpoint holds ${name} of ${definition.name} as [${stored[name]?.shape.join(", ") ?? ""}], and the defence now asks for [${shape.join(", ")}]`,
        { code: "misfit", next: "use the defence as it was, or start another run directory" },
      );
  return stored;
}
