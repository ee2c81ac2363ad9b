// One batch of a defence that has a procedure of its own.

import { tracingErrors } from "../attacks/tracing-errors.ts";
import type { Victim } from "../attacks/victim.ts";
import type {
  BatchGradients,
  BatchShape,
  LossObjective,
  TrainingBatch,
  TrainingProgress,
} from "../defenses/objective.ts";
import {
  awaitPlugin,
  badPlugin,
  callPlugin,
  type PluginDefinition,
  requireResult,
} from "../math/plugin.ts";
import { foldAll, type Key } from "../math/random.ts";
import { isShape, type Shape, type Tensor, tensor } from "../math/tensor.ts";
import type { Architecture } from "../models/architecture.ts";
import { isInterruption } from "./interruption.ts";
import { batchShape, type LossOfBatch, requireTable } from "./objective-graph.ts";
import type { StepwiseSession } from "./stepwise-session.ts";
import type { StepResult } from "./train-step.ts";

/** A batch before the defence has seen it: images [batch, channel, height, width], and per example a label and keys. */
export interface PlainBatch {
  readonly x: Tensor;
  readonly labels: readonly number[];
  readonly objectiveKeys: readonly Key[];
  readonly dropoutKeys: readonly Key[];
}

/** Arrays by name. */
type Tensors = Readonly<Record<string, Tensor>>;

/** The memory of a defence before its first batch: zeros. */
export function emptyMemory(
  defense: PluginDefinition,
  objective: Pick<LossObjective, "memory">,
  shape: BatchShape,
): Tensors {
  const shapes = callPlugin(defense, "memory", () => objective.memory?.(shape) ?? {});
  requireTable(defense, "memory", shapes);
  for (const [name, size] of Object.entries(shapes))
    if (!isShape(size))
      throw badPlugin(
        defense,
        `returned ${JSON.stringify(size)} for ${name} from memory, and must return a shape such as [10]`,
      );
  return Object.fromEntries(Object.entries(shapes).map(([name, size]) => [name, tensor(size)]));
}

/** What a procedure works with, in one batch. */
export interface ProcedureOptions {
  readonly defense: PluginDefinition;
  readonly train: NonNullable<LossObjective["train"]>;
  readonly session: StepwiseSession;
  readonly architecture: Architecture;
  readonly lossOf: LossOfBatch;
  /** The network as the attack sees it. */
  readonly model: Victim;
  readonly batch: PlainBatch;
  readonly memory: Tensors;
  readonly rate: number;
  readonly progress: TrainingProgress;
  /** Called before the first step of the optimiser, after which the batch must be finished. */
  readonly begin: () => void;
}

/** The tensors in `given`, checked to be those of `shapes`. */
function requireArrays(
  defense: PluginDefinition,
  call: string,
  given: Tensors | undefined,
  shapes: Readonly<Record<string, Shape>>,
): Tensors {
  const unknown = Object.keys(given ?? {}).find((name) => !Object.hasOwn(shapes, name));
  if (unknown !== undefined)
    throw badPlugin(
      defense,
      `gives ${unknown} to ${call}, which takes ${Object.keys(shapes).join(", ") || "nothing"}`,
    );
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      requireResult(defense, `${call}.${name}`, given?.[name], shape),
    ]),
  );
}

/** The arrays of a loss, from the defence's `feeds`. Throws `UsageError` with the code `bad-plugin`. */
export async function feedsOf(
  defense: PluginDefinition,
  objective: LossObjective,
  shapes: Readonly<Record<string, Shape>>,
  model: Victim,
  { x, labels, objectiveKeys }: PlainBatch,
  progress?: TrainingProgress,
): Promise<Tensors> {
  const { feeds } = objective;
  if (feeds === undefined) throw badPlugin(defense, "needs feeds, examples or train");
  const traced = tracingErrors(model);
  const given = await awaitPlugin(
    defense,
    "feeds",
    () => feeds.call(objective, traced.victim, x, labels, objectiveKeys, progress),
    (error) => isInterruption(error) || traced.isFromVictim(error),
  );
  return requireArrays(defense, "feeds", given, shapes);
}

/** Trains on one batch by the defence's own procedure. Throws `UsageError` with the code `bad-plugin`. */
export async function runProcedure(
  options: ProcedureOptions,
): Promise<{ readonly result: StepResult; readonly memory: Tensors }> {
  const { defense, train, session, architecture, lossOf, model, batch, rate } = options;
  const shapes = lossOf.arrays(batchShape(architecture, batch.labels.length));
  const specs = new Map(
    architecture.parameters
      .filter(({ trainable }) => trainable)
      .map(({ name, shape }) => [name, shape]),
  );
  const steps: BatchGradients[] = [];
  let calls = 0;
  const training: TrainingBatch = {
    model,
    x: batch.x,
    labels: batch.labels,
    keys: batch.objectiveKeys,
    progress: options.progress,
    memory: options.memory,
    async gradients(arrays) {
      const checked = requireArrays(defense, "gradients", arrays, shapes);
      const call = calls++;
      const keys = call === 0 ? batch.dropoutKeys : foldAll(batch.dropoutKeys, call);
      return session.gradients({ x: batch.x, arrays: checked, labels: batch.labels, keys });
    },
    async apply(gradients) {
      if (session.isInScope)
        throw badPlugin(
          defense,
          "calls apply within withParameters; apply after the scope has ended",
        );
      for (const [name, shape] of specs)
        requireResult(defense, `apply.${name}`, gradients.parameters[name], shape);
      options.begin();
      steps.push(gradients);
      await session.apply(gradients, rate);
    },
    async parameters() {
      const { parameters } = await session.state();
      return Object.fromEntries(
        [...specs].map(([name, shape]) => [name, tensor(shape, parameters[name].data.slice())]),
      );
    },
    async withParameters(replaced, body) {
      for (const [name, value] of Object.entries(replaced)) {
        const shape = specs.get(name);
        if (shape === undefined)
          throw badPlugin(defense, `replaces ${name}, which is not a trainable parameter`);
        requireResult(defense, `withParameters.${name}`, value, shape);
      }
      return session.withParameters(replaced, body);
    },
  };
  const returned = await awaitPlugin(defense, "train", () => train(training), isInterruption);
  if (steps.length === 0) throw badPlugin(defense, "ended train without a step; call apply");
  const kept = returned ?? options.memory;
  const sizes = Object.fromEntries(
    Object.entries(options.memory).map(([name, { shape }]) => [name, shape]),
  );
  return { result: meanOf(steps), memory: requireArrays(defense, "train", kept, sizes) };
}

/** The means over steps. */
function meanOf(steps: readonly StepResult[]): StepResult {
  const mean = (of: (step: StepResult) => number) =>
    steps.reduce((sum, step) => sum + of(step), 0) / steps.length;
  return { loss: mean(({ loss }) => loss), correct: mean(({ correct }) => correct) };
}
