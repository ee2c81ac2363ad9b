// A training run whose defence has a procedure of its own: gradients and steps of the optimiser are separate programs.
import type { BatchGradients } from "../defenses/objective.ts";
import { gradient } from "../engine/autodiff/gradient.ts";
import { input } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Arrays, DeviceArray, Feeds, Runtime } from "../engine/runtime/runtime.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";
import type { TrainState } from "../models/opening/checkpoint.ts";
import type { LossOfBatch } from "./objective-graph.ts";
import { clipped, type Optimizer, slotName } from "./optimizer.ts";
import { lossFeeds, lossGraph, NEXT, type StepBatch, stepResult } from "./train-step.ts";

const GRADIENT = "gradient/";
const BY_ARRAY = "by-array/";

/** Outputs `loss`, `logits`, `gradient/PARAMETER`, `by-array/ARRAY` and `next/STATISTIC`. */
function gradientGraph(
  architecture: Architecture,
  batch: number,
  lossOf: LossOfBatch,
): Record<string, Value> {
  const { feeds, arrays, loss, logits, statistics } = lossGraph(architecture, batch, lossOf);
  const trainable = architecture.parameters.filter((spec) => spec.trainable);
  const by = trainable.map(({ name }) => feeds[name]);
  const byArrays = lossOf.inputGradients.map((name) => arrays[name]);
  const gradients = gradient(loss, by.concat(byArrays));
  const outputs: Record<string, Value> = { loss, logits };
  trainable.forEach(({ name }, i) => {
    outputs[GRADIENT + name] = gradients[i];
  });
  lossOf.inputGradients.forEach((name, i) => {
    outputs[BY_ARRAY + name] = gradients[trainable.length + i];
  });
  for (const [name, value] of Object.entries(statistics)) outputs[NEXT + name] = value;
  return outputs;
}

/** Outputs `next/PARAMETER` and `next/SLOT`, from the parameters, their gradients, the slots and the rate. */
function updateGraph({ parameters }: Architecture, optimizer: Optimizer): Record<string, Value> {
  const rate = input("rate", []);
  const outputs: Record<string, Value> = {};
  const trainable = parameters.filter((spec) => spec.trainable);
  const exact = trainable.map(({ name, shape }) => input(GRADIENT + name, shape));
  const { maxNorm } = optimizer;
  const slopes = maxNorm === undefined ? exact : clipped(exact, maxNorm);
  for (const [i, { name, shape }] of trainable.entries()) {
    const slots = Object.fromEntries(
      optimizer.slots.map((slot) => [slot, input(slotName(slot, name), shape)]),
    );
    const updated = optimizer.update(input(name, shape), slopes[i], slots, rate);
    outputs[NEXT + name] = updated.parameter;
    for (const slot of optimizer.slots) outputs[NEXT + slotName(slot, name)] = updated.state[slot];
  }
  return outputs;
}

/** The entries whose name begins with `prefix`, without it. */
const withPrefix = <T>(prefix: string, all: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(all)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );

/** The update as a program: on a runtime with device memory its results stay on the device. */
async function compileUpdate(runtime: Runtime, outputs: Record<string, Value>) {
  const { deviceMemory } = runtime;
  if (deviceMemory === undefined) {
    const program = await runtime.compile(outputs);
    return {
      run: async (feeds: Feeds): Promise<Feeds> => program.run(feeds),
      release: () => program.release(),
    };
  }
  const program = await deviceMemory.compile(outputs, Object.keys(outputs));
  return {
    run: async (feeds: Feeds): Promise<Feeds> => (await program.run(feeds)).deviceArrays,
    release: () => program.release(),
  };
}

const isOnDevice = (array: Feeds[string]): array is DeviceArray => "release" in array;

/**
 * A network in training, one gradient or one step at a time. Weights and the optimiser's state stay on the device if the
 * runtime allows it; gradients, statistics and replaced parameters are on the host. No array is ever written over.
 */
export class StepwiseSession {
  readonly #runtime: Runtime;
  readonly #architecture: Architecture;
  readonly #slopes: Awaited<ReturnType<Runtime["compile"]>>;
  readonly #update: Awaited<ReturnType<typeof compileUpdate>>;
  #parameters: Feeds;
  #slots: Feeds;
  /** The parameters with some replaced; null outside of a scope. */
  #replaced: Feeds | null = null;

  private constructor(
    runtime: Runtime,
    architecture: Architecture,
    slopes: Awaited<ReturnType<Runtime["compile"]>>,
    update: Awaited<ReturnType<typeof compileUpdate>>,
    initial: TrainState,
  ) {
    this.#runtime = runtime;
    this.#architecture = architecture;
    this.#slopes = slopes;
    this.#update = update;
    this.#parameters = initial.parameters;
    this.#slots = initial.slots;
  }

  /** Begins a training run at `initial`, with `batch` examples per gradient. */
  static async begin(
    runtime: Runtime,
    architecture: Architecture,
    optimizer: Optimizer,
    batch: number,
    initial: TrainState,
    lossOf: LossOfBatch,
  ): Promise<StepwiseSession> {
    const slopes = await runtime.compile(gradientGraph(architecture, batch, lossOf));
    const update = await compileUpdate(runtime, updateGraph(architecture, optimizer));
    return new StepwiseSession(runtime, architecture, slopes, update, initial);
  }

  /** Parameters and running statistics, to be fed; a new object whenever one has changed. */
  parameters(): Feeds {
    return this.#replaced ?? this.#parameters;
  }

  /** Whether parameters are replaced. */
  get isInScope(): boolean {
    return this.#replaced !== null;
  }

  /** The loss of a batch at the present parameters, with its gradients. Changes nothing. */
  async gradients(batch: StepBatch): Promise<BatchGradients> {
    const feeds = Object.assign({}, this.parameters(), lossFeeds(this.#architecture, batch));
    const results: Arrays = await this.#slopes.run(feeds);
    const tensors = results as Readonly<Record<string, Tensor>>;
    return {
      ...stepResult(results, batch.labels),
      parameters: withPrefix(GRADIENT, tensors),
      arrays: withPrefix(BY_ARRAY, tensors),
      statistics: withPrefix(NEXT, tensors),
    };
  }

  /** One step of the optimiser with these gradients, whose running statistics are taken over. */
  async apply({ parameters, statistics }: BatchGradients, rate: number): Promise<void> {
    const feeds: Record<string, Feeds[string]> = { rate: tensor([], [rate]) };
    for (const [name, slope] of Object.entries(parameters)) {
      feeds[GRADIENT + name] = slope;
      feeds[name] = this.#parameters[name];
    }
    const next = withPrefix(NEXT, await this.#update.run(Object.assign(feeds, this.#slots)));
    const stale = [this.#parameters, this.#slots];
    const updated = (before: Feeds): Feeds =>
      Object.fromEntries(
        Object.entries(before).map(([name, array]) => [
          name,
          next[name] ?? statistics[name] ?? array,
        ]),
      );
    this.#parameters = updated(this.#parameters);
    this.#slots = updated(this.#slots);
    for (const arrays of stale)
      for (const [name, array] of Object.entries(arrays))
        if (next[name] !== undefined && isOnDevice(array)) array.release();
  }

  /** Runs `body` with some parameters replaced, and goes back to the parameters of before. */
  async withParameters<T>(replaced: Parameters, body: () => Promise<T>): Promise<T> {
    const before = this.#replaced;
    this.#replaced = Object.assign({}, this.parameters(), replaced);
    try {
      return await body();
    } finally {
      this.#replaced = before;
    }
  }

  /** The present parameters and the optimiser's state, on the host. */
  async state(): Promise<TrainState> {
    return {
      parameters: await this.#onHost(this.parameters()),
      slots: await this.#onHost(this.#slots),
    };
  }

  async #onHost(arrays: Feeds): Promise<Parameters> {
    const onDevice = Object.fromEntries(
      Object.entries(arrays).filter((entry): entry is [string, DeviceArray] =>
        isOnDevice(entry[1]),
      ),
    );
    const read = (await this.#runtime.deviceMemory?.read(onDevice)) ?? {};
    return Object.fromEntries(
      Object.entries(arrays).map(([name, array]) => [name, (read[name] ?? array) as Tensor]),
    );
  }

  async release(): Promise<void> {
    for (const arrays of [this.#parameters, this.#slots])
      for (const array of Object.values(arrays)) if (isOnDevice(array)) array.release();
    await Promise.all([this.#slopes.release(), this.#update.release()]);
  }
}
