import { gradient } from "../autodiff/gradient.ts";
import { input, mean } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import type { Key } from "../math/random.ts";
import { argmaxRows, type Tensor, tensor } from "../math/tensor.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";
import { dropoutMasks } from "../models/dropout.ts";
import { crossEntropy, lossWeights } from "../models/losses.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type Optimizer, slotName, slotShapes } from "./optimizer.ts";

/** Everything that a step changes. */
export interface TrainState {
  /** Parameters and running statistics. */
  readonly parameters: Parameters;
  /** What the optimiser remembers, by `slotName`. */
  readonly slots: Readonly<Record<string, Tensor>>;
}

/** The state before the first step: these parameters, an optimiser that remembers nothing. */
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

/** One step on one batch of a fixed size. */
export interface TrainStep {
  /** x [batch, channel, height, width], one label and key (for dropout) per example, and the learning rate. */
  run(
    state: TrainState,
    batch: {
      readonly x: Tensor;
      readonly labels: readonly number[];
      readonly keys: readonly Key[];
    },
    rate: number,
  ): Promise<{
    readonly state: TrainState;
    /** Mean cross-entropy of the batch before the step. */
    readonly loss: number;
    /** Examples of the batch classified correctly before the step, in batch mode. */
    readonly correct: number;
  }>;
  release(): Promise<void>;
}

/** Outputs have a prefix, since a graph's names are unique. */
const NEXT = "next/";

/** The whole step as one program: forward, gradients, optimiser and running statistics; nothing happens outside it. */
export async function compileStep(
  runtime: Runtime,
  architecture: Architecture,
  optimizer: Optimizer,
  batch: number,
): Promise<TrainStep> {
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
    const remembered = Object.fromEntries(
      optimizer.slots.map((slot) => [slot, input(slotName(slot, name), shape)]),
    );
    const updated = optimizer.update(feeds[name], gradients[i], remembered, rate);
    next[NEXT + name] = updated.parameter;
    for (const slot of optimizer.slots) next[NEXT + slotName(slot, name)] = updated.state[slot];
  });
  const program = await runtime.compile({ loss, logits, ...next });

  return {
    async run(state, { x, labels, keys }, rate) {
      const results = await program.run({
        ...state.parameters,
        ...state.slots,
        ...dropoutMasks(architecture, keys),
        x,
        labels: lossWeights({ kind: "ce", labels }, classes),
        rate: tensor([], [rate]),
      });
      const updated = (names: Readonly<Record<string, Tensor>>) =>
        Object.fromEntries(
          Object.entries(names).map(([name, old]) => [
            name,
            (results[NEXT + name] ?? old) as Tensor,
          ]),
        );
      const predicted = argmaxRows(results.logits as Tensor);
      return {
        state: { parameters: updated(state.parameters), slots: updated(state.slots) },
        loss: Number(results.loss.data[0]),
        correct: predicted.filter((prediction, i) => prediction === labels[i]).length,
      };
    },
    release: () => program.release(),
  };
}
