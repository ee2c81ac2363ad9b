// The two pieces of work that speed is measured on: the step of an attack and the step of training.

import { uniform } from "../math/distributions.ts";
import { fold, foldAll, type Key, keyOf, keysFor } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";
import { classifier } from "../models/classifier.ts";
import { flopsPerImage } from "../models/flops.ts";
import { architecture } from "../models/index.ts";
import { initialParameters } from "../models/initial.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { sgd } from "../train/optimizer.ts";
import { compileStep, initialState } from "../train/step.ts";

/** What speed is measured with: CIFAR-10's shapes, random pictures and weights as before training. */
export const benchInput = {
  shape: [3, 32, 32],
  classes: 10,
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.247, 0.2435, 0.2616],
} as const;

/** How the step of training updates; the rate is small, so that random labels do not drive weights to infinity. */
export const benchTraining = { rate: 0.01, momentum: 0.9, weightDecay: 5e-4 } as const;

/** A network with weights, and one batch for it. */
export interface Task {
  readonly network: Architecture;
  readonly parameters: Parameters;
  /** [batch, channel, height, width] in [0, 1]. */
  readonly x: Tensor;
  readonly labels: readonly number[];
  readonly keys: readonly Key[];
}

/** The same task for the same seed, on every machine. */
export function benchTask(model: string, batch: number, seed: number): Task {
  const network = architecture(model, benchInput);
  const keys = keysFor(fold(keyOf(seed), 1), [...Array(batch).keys()]);
  return {
    network,
    parameters: initialParameters(network, fold(keyOf(seed), 0)),
    x: uniform(foldAll(keys, 0), [batch, ...benchInput.shape]),
    labels: keys.map((_, i) => i % benchInput.classes),
    keys: foldAll(keys, 1),
  };
}

/** One kind of work, open: compiled, its memory taken. */
export interface OpenWork {
  /** Does it once; the numbers it gives are for comparing with another implementation. */
  step(): Promise<{ readonly loss: number; readonly arrays: Readonly<Record<string, Tensor>> }>;
  release(): Promise<void>;
}

/** A kind of work, its cost on a batch, and how to begin it. */
export interface Work {
  readonly title: string;
  flops(task: Task): number;
  open(runtime: Runtime, task: Task): Promise<OpenWork>;
}

/** Kinds of work by name. */
export const works: Readonly<Record<"gradient" | "train", Work>> = {
  gradient: {
    title: "loss and ∂L/∂x, frozen",
    flops: ({ network, labels }) => labels.length * flopsPerImage(network).gradient,
    async open(runtime, { network, parameters, x, labels, keys }) {
      const victim = classifier(runtime, network, parameters);
      return {
        async step() {
          const run = await victim.lossAndGradient(x, { kind: "ce", labels }, keys);
          const loss = run.losses.reduce((total, one) => total + one, 0) / labels.length;
          return { loss, arrays: { gradient: run.gradient } };
        },
        release: () => victim.release(),
      };
    },
  },
  train: {
    title: "training step",
    flops: ({ network, labels }) => labels.length * flopsPerImage(network).step,
    async open(runtime, { network, parameters, x, labels, keys }) {
      const optimizer = sgd(benchTraining);
      const program = await compileStep(runtime, network, optimizer, labels.length);
      let state = initialState(network, optimizer, parameters);
      return {
        async step() {
          const done = await program.run(state, { x, labels, keys }, benchTraining.rate);
          state = done.state;
          return { loss: done.loss, arrays: state.slots };
        },
        release: () => program.release(),
      };
    },
  },
};
