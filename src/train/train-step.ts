import { gradient } from "../engine/autodiff/gradient.ts";
import { add, input, mul, scalarLike } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Arrays, Runtime } from "../engine/runtime/runtime.ts";
import { lossWeights } from "../losses/graph.ts";
import type { Key } from "../math/random.ts";
import { argmaxRows, type Tensor, tensor } from "../math/tensor.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";
import { dropoutMasks } from "../models/dropout.ts";
import type { TrainState } from "../models/opening/checkpoint.ts";
import {
  batchShape,
  crossEntropyOfBatch,
  type LossOfBatch,
  networkPasses,
} from "./objective-graph.ts";
import { clipped, type Optimizer, slotName, slotShapes } from "./optimizer.ts";

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
  /** The arrays of a loss that takes others than `x`. */
  readonly arrays?: Readonly<Record<string, Tensor>> | undefined;
  readonly labels: readonly number[];
  readonly keys: readonly Key[];
}

/** The network's performance on the batch of a step, before the step. */
export interface StepResult {
  /** The loss that is minimised: by default the mean cross-entropy. */
  readonly loss: number;
  /** Examples classified correctly in batch mode; a mean where a batch takes several steps. */
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

/** The name of the input for an array of a loss; `x` for the images, so that no array takes the name of a parameter. */
const arrayInput = (name: string): string => (name === "x" ? "x" : `array/${name}`);

/** One-hot labels [batch, classes], of which a share is spread evenly over all classes (Szegedy et al. 2016, arXiv:1512.00567, §7). */
function smoothed(oneHot: Value, share = 0): Value {
  if (share === 0) return oneHot;
  const [, classes] = oneHot.shape;
  return add(mul(oneHot, scalarLike(oneHot, 1 - share)), scalarLike(oneHot, share / classes));
}

/** The loss of a batch and the inputs that it is built from. */
export function lossGraph(architecture: Architecture, batch: number, lossOf: LossOfBatch) {
  const { classes, parameters: specs } = architecture;
  const feeds = Object.fromEntries(specs.map(({ name, shape }) => [name, input(name, shape)]));
  const shapes = Object.entries(lossOf.arrays(batchShape(architecture, batch)));
  const arrays = Object.fromEntries(
    shapes.map(([name, shape]) => [name, input(arrayInput(name), shape)]),
  );
  const oneHot = smoothed(input("labels", [batch, classes]), lossOf.labelSmoothing);
  const rate = input("rate", []);
  const passes = networkPasses(architecture, feeds);
  const { loss, logits } = lossOf.build({ network: passes.network, arrays, oneHot });
  return { feeds, arrays, rate, loss, logits, statistics: passes.statistics() };
}

/**
 * The whole step as one graph: forward pass, gradients, optimiser and running statistics. Outputs `loss`, `logits` and
 * `next/…`.
 */
export function stepGraph(
  architecture: Architecture,
  optimizer: Optimizer,
  batch: number,
  lossOf: LossOfBatch = crossEntropyOfBatch,
): Record<string, Value> {
  const { feeds, loss, logits, statistics, rate } = lossGraph(architecture, batch, lossOf);
  const trainable = architecture.parameters.filter((spec) => spec.trainable);
  const exact = gradient(
    loss,
    trainable.map(({ name }) => feeds[name]),
  );
  const { maxNorm } = optimizer;
  const gradients = maxNorm === undefined ? exact : clipped(exact, maxNorm);
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
export const stepFeeds = (architecture: Architecture, batch: StepBatch, rate: number): Arrays => ({
  ...lossFeeds(architecture, batch),
  rate: tensor([], [rate]),
});

/** The inputs of a loss besides the parameters. */
export function lossFeeds(
  architecture: Architecture,
  { x, arrays = { x }, labels, keys }: StepBatch,
): Arrays {
  const feeds: Record<string, Tensor> = dropoutMasks(architecture, keys);
  for (const [name, array] of Object.entries(arrays)) feeds[arrayInput(name)] = array;
  feeds.labels = lossWeights({ kind: "ce", labels }, architecture.classes);
  return feeds;
}

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
  lossOf: LossOfBatch = crossEntropyOfBatch,
): Promise<TrainStep> {
  const program = await runtime.compile(stepGraph(architecture, optimizer, batch, lossOf));
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
