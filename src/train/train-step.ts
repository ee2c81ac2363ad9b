import { gradient } from "../engine/autodiff/gradient.ts";
import { input, mean } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Arrays, Runtime } from "../engine/runtime/runtime.ts";
import { crossEntropy } from "../losses/ce.ts";
import { lossWeights } from "../losses/graph.ts";
import type { Key } from "../math/random.ts";
import { argmaxRows, type Tensor, tensor } from "../math/tensor.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";
import { dropoutMasks } from "../models/dropout.ts";
import type { TrainState } from "../models/opening/checkpoint.ts";
import { type Optimizer, slotName, slotShapes } from "./optimizer.ts";

/** The state before the first step: the given parameters, and slots of zeros. */
export const initialState = (
  { parameters: specs }: Architecture,
  optimizer: Optimizer,
  parameters: Parameters,
): TrainState => ({
  parameters,
  slots: Object.fromEntries(
    slotShapes(
      optimizer,
      specs.filter(({ trainable }) => trainable),
    ).map(([name, shape]) => [name, tensor(shape)]),
  ),
});

/** A batch: x [batch, channel, height, width], and a label and a dropout key per example. */
export interface StepBatch {
  readonly x: Tensor;
  readonly labels: readonly number[];
  readonly keys: readonly Key[];
}

/** The network's performance on the batch of a step, before the step. */
export interface StepResult {
  /** Mean cross-entropy. */
  readonly loss: number;
  /** Examples classified correctly in batch mode. */
  readonly correct: number;
}

/** A compiled training step for one batch size. */
export interface TrainStep {
  run(
    state: TrainState,
    batch: StepBatch,
    rate: number,
    /** A state that nobody reads any more; the step may write into its arrays. */
    reusable?: TrainState,
  ): Promise<StepResult & { readonly state: TrainState }>;
  release(): Promise<void>;
}

/** The prefix of the outputs that are the next state, since names in a graph are unique. */
export const NEXT = "next/";

/**
 * The whole step as one graph: forward pass, gradients, optimiser and running statistics. Outputs `loss`, `logits` and
 * `next/…`.
 */
export function stepGraph(
  architecture: Architecture,
  optimizer: Optimizer,
  batch: number,
): Record<string, Value> {
  const { inputShape, classes, parameters: specs } = architecture;
  const feeds = Object.fromEntries(specs.map(({ name, shape }) => [name, input(name, shape)]));
  const x = input("x", [batch, ...inputShape]);
  const oneHot = input("labels", [batch, classes]);
  const rate = input("rate", []);
  const { logits, statistics } = architecture.forward(x, (name) => feeds[name], "batch");
  const loss = mean(crossEntropy(logits, oneHot));

  const trainable = specs.filter((spec) => spec.trainable);
  const gradients = gradient(
    loss,
    trainable.map(({ name }) => feeds[name]),
  );
  const next: Record<string, Value> = {};
  for (const [name, value] of Object.entries(statistics)) next[NEXT + name] = value;
  trainable.forEach(({ name, shape }, i) => {
    const slots = Object.fromEntries(
      optimizer.slots.map((slot) => [slot, input(slotName(slot, name), shape)]),
    );
    const updated = optimizer.update(feeds[name], gradients[i], slots, rate);
    next[NEXT + name] = updated.parameter;
    for (const slot of optimizer.slots) next[NEXT + slotName(slot, name)] = updated.state[slot];
  });
  return { loss, logits, ...next };
}

/** The inputs of a step besides its state. */
export const stepFeeds = (
  architecture: Architecture,
  { x, labels, keys }: StepBatch,
  rate: number,
): Arrays => ({
  ...dropoutMasks(architecture, keys),
  x,
  labels: lossWeights({ kind: "ce", labels }, architecture.classes),
  rate: tensor([], [rate]),
});

/** The performance on a batch, from the outputs of a step. */
export const stepResult = ({ loss, logits }: Arrays, labels: readonly number[]): StepResult => ({
  loss: Number(loss.data[0]),
  correct: argmaxRows(logits as Tensor).filter((prediction, i) => prediction === labels[i]).length,
});

const nextNames = (arrays: Arrays): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [NEXT + name, array]));

/** Compiles the step for batches of `batch` examples. */
export async function compileStep(
  runtime: Runtime,
  architecture: Architecture,
  optimizer: Optimizer,
  batch: number,
): Promise<TrainStep> {
  const program = await runtime.compile(stepGraph(architecture, optimizer, batch));
  return {
    async run(state, batch, rate, reusable) {
      const batchFeeds = stepFeeds(architecture, batch, rate);
      const results = await program.run(
        { ...state.parameters, ...state.slots, ...batchFeeds },
        reusable && nextNames({ ...reusable.parameters, ...reusable.slots }),
      );
      const updated = (arrays: Readonly<Record<string, Tensor>>) =>
        Object.fromEntries(
          Object.entries(arrays).map(([name, array]) => [
            name,
            (results[NEXT + name] ?? array) as Tensor,
          ]),
        );
      return {
        state: { parameters: updated(state.parameters), slots: updated(state.slots) },
        ...stepResult(results, batch.labels),
      };
    },
    release: () => program.release(),
  };
}
