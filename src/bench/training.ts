// Benchmarks of training steps as `train` runs them: choosing the batch, the defence's attack, the step, bookkeeping.

import { defenseNamed } from "../defenses/table.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { memoryFiles } from "../files/run/run-files.ts";
import { flopsPerImage } from "../models/flops.ts";
import { latestCheckpoint } from "../models/opening/checkpoints.ts";
import type { TrainEvent } from "../train/events.ts";
import { resolveOptions } from "../train/options.ts";
import { type Training, train } from "../train/train.ts";
import { datasetOfTask, type Effort, type Task } from "./task.ts";
import type { Work } from "./work.ts";

/** Steps per epoch, more than are ever measured, so that no epoch ends meanwhile. About those of CIFAR-10 at batch 128. */
const STEPS = 400;

/** Learning rate, small so that repeating a few images does not make the weights diverge. */
const RATE = 0.01;

/** The arguments of `train` for the task's network, from its initial weights. */
export function trainingOf(task: Task, defense: string): Omit<Training, "runtime"> {
  const dataset = datasetOfTask(task, STEPS * task.batch);
  const options = resolveOptions({
    defense,
    model: task.network.name,
    data: "shapes",
    augment: "none",
    epochs: 1,
    rate: RATE,
    batch: task.batch,
    steps: task.effort.steps,
    seed: task.seed,
  });
  const { epsilonLinf, epsilonL2, steps } = options;
  return {
    architecture: task.network,
    dataset,
    options,
    files: memoryFiles(),
    defense: defenseNamed(defense, { epsilonLinf, epsilonL2, steps }),
    checkpointSeconds: Number.POSITIVE_INFINITY,
  };
}

/** Advances a training by one step and returns its loss. */
async function nextStep(events: AsyncGenerator<TrainEvent, void, void>): Promise<number> {
  for (;;) {
    const { value } = await events.next();
    if (value === undefined) throw new Error("internal: training ended while it was measured");
    if (value.event === "step") return value.loss;
  }
}

/** A benchmark of training with a defence, whose attack computes `gradients` of each image. */
const training = (title: string, defense: string, gradients: (effort: Effort) => number): Work => ({
  title,
  kind: "training",
  effort: (batch) => ({ images: 4 * batch, steps: 10, searches: 1, eot: 1, draws: 1 }),
  flops({ network, batch, effort }) {
    const { gradient, step } = flopsPerImage(network);
    return batch * (step + gradients(effort) * gradient);
  },
  async open(runtime: Runtime, task: Task) {
    const events = train({ ...trainingOf(task, defense), runtime });
    return {
      step: async () => ({ loss: await nextStep(events) }),
      release: async () => void (await events.return()),
    };
  },
  /** The loss of the first step, and the optimiser's velocities after it from a checkpoint. */
  async check(runtime, task) {
    const stop = new AbortController();
    const parts = trainingOf(task, defense);
    const events = train({ ...parts, runtime, signal: stop.signal });
    const loss = await nextStep(events);
    stop.abort();
    for await (const _ of events);
    const latest = await latestCheckpoint(parts.files);
    if (latest === undefined) throw new Error("internal: no checkpoint of the first step");
    return { loss, arrays: latest.checkpoint.state.slots };
  },
});

/** A step on clean images. */
export const standardTraining = training("training step", "standard", () => 0);

/** A step of adversarial training: the attack, then the step on its adversarial examples. */
export const adversarialTraining = training("AT-ℓ∞ step", "at-linf", ({ steps }) => steps);

/** The same with one gradient step from noise, N-FGSM (de Jorge et al. 2022, arXiv:2202.01181). */
export const fastAdversarialTraining = training("fast AT-ℓ∞ step", "fast-at-linf", () => 1);
