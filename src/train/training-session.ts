import type { DeviceArray, DeviceMemory, Feeds, Runtime } from "../engine/runtime/runtime.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";
import type { TrainState } from "../models/opening/checkpoint.ts";
import type { Optimizer } from "./optimizer.ts";
import {
  compileStep,
  NEXT,
  type StepBatch,
  type StepResult,
  stepFeeds,
  stepGraph,
  stepResult,
} from "./train-step.ts";

/** A network in training, whose weights and optimiser stay on the device between steps where the runtime allows it. */
export interface TrainingSession {
  /** One step on one batch of the compiled size. */
  run(batch: StepBatch, rate: number): Promise<StepResult>;
  /** Parameters and running statistics as they stand, to be fed; a new object after each step, which ends the life of the old one's arrays. */
  parameters(): Feeds;
  /** Everything that a checkpoint needs, on the host. */
  state(): Promise<TrainState>;
  release(): Promise<void>;
}

/** Begins at `initial`; steps are those of `compileStep`. */
export async function trainingSession(
  runtime: Runtime,
  architecture: Architecture,
  optimizer: Optimizer,
  batch: number,
  initial: TrainState,
): Promise<TrainingSession> {
  const { deviceMemory } = runtime;
  return deviceMemory === undefined
    ? onHost(runtime, architecture, optimizer, batch, initial)
    : onDevice(deviceMemory, architecture, optimizer, batch, initial);
}

async function onHost(
  runtime: Runtime,
  architecture: Architecture,
  optimizer: Optimizer,
  batch: number,
  initial: TrainState,
): Promise<TrainingSession> {
  const step = await compileStep(runtime, architecture, optimizer, batch);
  let state = initial;
  // States take turns in two sets of arrays, but for those that somebody else has.
  let shared = true;
  let over: TrainState | undefined;
  return {
    async run(batch, rate) {
      const { state: next, ...result } = await step.run(state, batch, rate, over);
      over = shared ? undefined : state;
      [state, shared] = [next, false];
      return result;
    },
    parameters: () => state.parameters,
    async state() {
      shared = true;
      return state;
    },
    release: () => step.release(),
  };
}

async function onDevice(
  deviceMemory: DeviceMemory,
  architecture: Architecture,
  optimizer: Optimizer,
  batch: number,
  initial: TrainState,
): Promise<TrainingSession> {
  const { parameters: firstParameters, slots: firstSlots } = initial;
  const outputs = stepGraph(architecture, optimizer, batch);
  const changed = Object.keys(outputs).filter((name) => name.startsWith(NEXT));
  const program = await deviceMemory.compile(outputs, changed);
  let deviceArrays: Readonly<Record<string, DeviceArray>> = {};
  let parameters: Feeds = firstParameters;
  let slots: Feeds = firstSlots;
  const now = (before: Feeds): Feeds =>
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
      parameters = now(parameters);
      slots = now(slots);
      return stepResult(hostArrays, batch.labels);
    },
    parameters: () => parameters,
    async state() {
      const read = await deviceMemory.read(deviceArrays);
      const onHost = (first: Parameters) =>
        Object.fromEntries(
          Object.entries(first).map(([name, array]) => [name, (read[name] ?? array) as Tensor]),
        );
      return { parameters: onHost(firstParameters), slots: onHost(firstSlots) };
    },
    async release() {
      releaseArrays();
      await program.release();
    },
  };
}
