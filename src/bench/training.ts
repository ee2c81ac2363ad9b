// Steps of training, as `train` makes them: choosing the batch, the defence's attack, the step and its bookkeeping.

import { defenseNamed } from "../defenses/table.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { memoryFiles } from "../files/run/run-files.ts";
import { flopsPerImage } from "../models/flops.ts";
import { latestCheckpoint } from "../models/opening/checkpoints.ts";
import type { TrainEvent } from "../train/events.ts";
import { resolveOptions } from "../train/options.ts";
import { type Training, train } from "../train/train.ts";
import { datasetOfTask, type Task } from "./task.ts";
import type { Work } from "./work.ts";

/** More steps than anybody measures, so that no epoch ends meanwhile; about one of CIFAR-10's at batch 128. */
const STEPS = 400;

/** The rate is small, so that a few images again and again do not drive weights to infinity. */
const RATE = 0.01;

/** What `train` needs to train the task's network from its weights before training. */
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

/** The loss of the next step. */
async function nextStep(events: AsyncGenerator<TrainEvent, void, void>): Promise<number> {
  for (;;) {
    const { value } = await events.next();
    if (value === undefined) throw new Error("internal: training ended while it was measured");
    if (value.event === "step") return value.loss;
  }
}

/** One kind of training. */
const training = (title: string, defense: string): Work => ({
  title,
  kind: "training",
  effort: (batch) => ({ images: 4 * batch, steps: 10, searches: 1, eot: 1, draws: 1 }),
  flops({ network, batch, effort }) {
    const { gradient, step } = flopsPerImage(network);
    return batch * (step + (defense === "standard" ? 0 : effort.steps * gradient));
  },
  async open(runtime: Runtime, task: Task) {
    const events = train({ ...trainingOf(task, defense), runtime });
    return {
      step: async () => ({ loss: await nextStep(events) }),
      release: async () => void (await events.return()),
    };
  },
  /** The first step's loss, and the velocities after it, which a checkpoint shows. */
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
export const standardTraining = training("training step", "standard");

/** A step of adversarial training: the attack, then the step on what it made. */
export const adversarialTraining = training("AT-ℓ∞ step", "at-linf");
