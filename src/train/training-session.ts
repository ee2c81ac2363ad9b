import type { Value } from "../engine/graph/value.ts";
import type { DeviceArray, DeviceMemory, Feeds, Runtime } from "../engine/runtime/runtime.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";
import type { TrainState } from "../models/opening/checkpoint.ts";
import { crossEntropyOfBatch, type LossOfBatch } from "./objective-graph.ts";
import type { Optimizer } from "./optimizer.ts";
import {
  compileStep,
  NEXT,
  type StepBatch,
  type StepResult,
  stepFeeds,
  stepGraph,
  stepResult,
  type TrainStep,
} from "./train-step.ts";

/**
 * A network in training. Its weights and the optimiser's state stay on the device between steps if the runtime allows
 * it.
 */
export interface TrainingSession {
  /** Takes one step on a batch of the compiled size. */
  run(batch: StepBatch, rate: number): Promise<StepResult>;
  /**
   * Parameters and running statistics, to be fed. A new object after each step, which invalidates the arrays of the old
   * one.
   */
  parameters(): Feeds;
  /** Parameters and the optimiser's state, copied to the host. */
  state(): Promise<TrainState>;
  release(): Promise<void>;
}

/** Begins a training run at `initial`; `batch` is the number of examples per step. Steps are those of `compileStep`. */
export async function trainingSession(
  runtime: Runtime,
  architecture: Architecture,
  optimizer: Optimizer,
  batch: number,
  initial: TrainState,
  lossOf: LossOfBatch = crossEntropyOfBatch,
): Promise<TrainingSession> {
  const { deviceMemory } = runtime;
  return deviceMemory === undefined
    ? onHost(await compileStep(runtime, architecture, optimizer, batch, lossOf), initial)
    : onDevice(
        deviceMemory,
        architecture,
        stepGraph(architecture, optimizer, batch, lossOf),
        initial,
      );
}

function onHost(step: TrainStep, initial: TrainState): TrainingSession {
  let state = initial;
  // States alternate between two sets of arrays. A state that was handed out, such as `initial`, is never written over.
  let isHandedOut = true;
  let reusable: TrainState | undefined;
  return {
    async run(batch, rate) {
      const { state: next, ...result } = await step.run(state, batch, rate, reusable);
      reusable = isHandedOut ? undefined : state;
      state = next;
      isHandedOut = false;
      return result;
    },
    parameters: () => state.parameters,
    async state() {
      isHandedOut = true;
      return state;
    },
    release: () => step.release(),
  };
}

async function onDevice(
  deviceMemory: DeviceMemory,
  architecture: Architecture,
  outputs: Readonly<Record<string, Value>>,
  initial: TrainState,
): Promise<TrainingSession> {
  const { parameters: initialParameters, slots: initialSlots } = initial;
  const changing = Object.keys(outputs).filter((name) => name.startsWith(NEXT));
  const program = await deviceMemory.compile(outputs, changing);
  let deviceArrays: Readonly<Record<string, DeviceArray>> = {};
  let parameters: Feeds = initialParameters;
  let slots: Feeds = initialSlots;
  const current = (before: Feeds): Feeds =>
    Object.fromEntries(
      Object.entries(before).map(([name, array]) => [name, deviceArrays[name] ?? array]),
    );
  const releaseArrays = () => {
    for (const array of Object.values(deviceArrays)) array.release();
    deviceArrays = {};
  };
  return {
    async run(batch, rate) {
      const feeds = { ...parameters, ...slots, ...stepFeeds(architecture, batch, rate) };
      const { hostArrays, deviceArrays: next } = await program.run(feeds);
      releaseArrays();
      deviceArrays = Object.fromEntries(
        Object.entries(next).map(([name, array]) => [name.slice(NEXT.length), array]),
      );
      parameters = current(parameters);
      slots = current(slots);
      return stepResult(hostArrays, batch.labels);
    },
    parameters: () => parameters,
    async state() {
      const hostArrays = await deviceMemory.read(deviceArrays);
      const onHost = (arrays: Parameters) =>
        Object.fromEntries(
          Object.entries(arrays).map(([name, array]) => [
            name,
            (hostArrays[name] ?? array) as Tensor,
          ]),
        );
      return { parameters: onHost(initialParameters), slots: onHost(initialSlots) };
    },
    async release() {
      releaseArrays();
      await program.release();
    },
  };
}
