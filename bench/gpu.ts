// Steps of attack and training on a GPU, measured and recorded: `npm run bench:gpu -- --device webgpu`, see docs/gpu.md.

import { execFileSync } from "node:child_process";
import { appendFile, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { spread, timed } from "../src/bench/measure.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { devices, type Runtime } from "../src/engine/runtime/runtime.ts";
import { machine, version } from "../src/files/node.ts";
import { uniform } from "../src/math/distributions.ts";
import { fold, foldAll, type Key, keyOf, keysFor } from "../src/math/random.ts";
import type { Tensor } from "../src/math/tensor.ts";
import { UsageError } from "../src/math/usage-error.ts";
import type { Architecture, Parameters } from "../src/models/architecture.ts";
import { architecture } from "../src/models/architectures.ts";
import { type Classifier, classifier } from "../src/models/classifier.ts";
import { flopsPerImage } from "../src/models/flops.ts";
import { initialParameters } from "../src/models/initial.ts";
import { trainableClassifier } from "../src/models/trainable-classifier.ts";
import { sgd } from "../src/train/optimizer.ts";
import { initialState } from "../src/train/train-step.ts";
import { trainingSession } from "../src/train/training-session.ts";

const usage = `npm run bench:gpu -- [options]
  --device NAME    ${devices.join(", ")} (default: webgpu)
  --models LIST    networks (default: wrn-16-4,wrn-28-10)
  --batch LIST     examples per step (default: 64,128)
  --repeats N      measured steps, after one that compiles (default: 20)
  --record FILE    where rows are appended (default: results/gpu.jsonl)`;

/** CIFAR-10's shapes; images and weights as before training are drawn. */
const cifar = {
  shape: [3, 32, 32],
  classes: 10,
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.247, 0.2435, 0.2616],
} as const;

/** The rate is small, so that random labels do not drive weights to infinity. */
const settings = { rate: 0.01, momentum: 0.9, weightDecay: 5e-4 } as const;

/** A network with weights, and one batch for it. */
interface Task {
  readonly network: Architecture;
  readonly parameters: Parameters;
  /** [batch, channel, height, width] in [0, 1]. */
  readonly x: Tensor;
  readonly labels: readonly number[];
  readonly keys: readonly Key[];
}

function taskOf(model: string, batch: number): Task {
  const network = architecture(model, cifar);
  const keys = keysFor(fold(keyOf(0), 1), [...Array(batch).keys()]);
  return {
    network,
    parameters: initialParameters(network, fold(keyOf(0), 0)),
    x: uniform(foldAll(keys, 0), [batch, ...cifar.shape]),
    labels: keys.map((_, i) => i % cifar.classes),
    keys: foldAll(keys, 1),
  };
}

/** One kind of step, open. */
interface Open {
  /** The loss, and an array by which two devices are compared. */
  step(): Promise<{ readonly loss: number; readonly array: Tensor | null }>;
  release(): Promise<void>;
}

const attack =
  (victim: Classifier, { x, labels, keys }: Task) =>
  async () => {
    const run = await victim.lossAndGradient(x, { kind: "ce", labels }, keys);
    return { loss: run.losses.reduce((a, b) => a + b, 0) / labels.length, array: run.gradient };
  };

const live = ({ network, parameters, labels }: Task, runtime: Runtime) => {
  const optimizer = sgd(settings);
  const initial = initialState(network, optimizer, parameters);
  return trainingSession(runtime, network, optimizer, labels.length, initial);
};

/** What is measured: the step of an attack on a trained network, the same while it trains, and the step of training. */
const works = {
  attack: async (runtime: Runtime, task: Task): Promise<Open> => {
    const victim = classifier(runtime, task.network, task.parameters);
    return { step: attack(victim, task), release: () => victim.release() };
  },
  "attack-in-training": async (runtime: Runtime, task: Task): Promise<Open> => {
    const training = await live(task, runtime);
    await training.run(task, settings.rate);
    const victim = trainableClassifier(runtime, task.network, training.parameters, "frozen");
    return {
      step: attack(victim, task),
      release: async () => {
        await victim.release();
        await training.release();
      },
    };
  },
  train: async (runtime: Runtime, task: Task): Promise<Open> => {
    const training = await live(task, runtime);
    return {
      step: async () => ({ ...(await training.run(task, settings.rate)), array: null }),
      release: () => training.release(),
    };
  },
} as const;
type Work = keyof typeof works;

const flops = (work: Work, { network, labels }: Task) =>
  labels.length * flopsPerImage(network)[work === "train" ? "step" : "gradient"];

/** Name, driver and memory of NVIDIA's GPUs, one each; empty where nvidia-smi is not there. */
function gpus(): string[] {
  try {
    const query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"];
    const text = execFileSync("nvidia-smi", query, { encoding: "utf8", stdio: "pipe" });
    return text.split("\n").filter(Boolean);
  } catch {
    return [];
  }
}

/** ‖a − b‖ / ‖b‖ */
function relative(a: Tensor, b: Tensor): number {
  const norm = (f: (i: number) => number) =>
    Math.sqrt(b.data.reduce((sum, _, i) => sum + f(i) ** 2, 0));
  return norm((i) => a.data[i] - b.data[i]) / norm((i) => b.data[i]);
}

/** How far two steps on 4 examples are from the CPU's: a GPU that is fast and wrong is not fast. */
async function agreement(runtime: Runtime, cpu: Runtime, work: Work, model: string) {
  const task = taskOf(model, 4);
  const all = [];
  for (const where of [runtime, cpu]) {
    const open = await works[work](where, task);
    try {
      await open.step();
      all.push(await open.step());
    } finally {
      await open.release();
    }
  }
  const [found, right] = all;
  return {
    loss: Math.abs(found.loss - right.loss) / Math.abs(right.loss),
    gradient: found.array && right.array && relative(found.array, right.array),
  };
}

async function measure(runtime: Runtime, work: Work, task: Task, repeats: number) {
  const open = await works[work](runtime, task);
  try {
    const first = await timed(open.step);
    const seconds: number[] = [];
    for (let i = 0; i < repeats; i++) seconds.push((await timed(open.step)).seconds);
    return { firstSeconds: first.seconds, seconds: spread(seconds) };
  } finally {
    await open.release();
  }
}

async function main() {
  const string = { type: "string" } as const;
  const { values } = parseArgs({
    options: {
      device: string,
      models: string,
      batch: string,
      repeats: string,
      record: string,
      help: { type: "boolean" },
    },
  });
  if (values.help) return console.log(usage);
  const { device = "webgpu", record = "results/gpu.jsonl" } = values;
  const models = (values.models ?? "wrn-16-4,wrn-28-10").split(",");
  const batches = (values.batch ?? "64,128").split(",").map(Number);
  const repeats = Number(values.repeats ?? 20);
  if ([repeats, ...batches].some((n) => !Number.isInteger(n) || n < 1))
    throw new UsageError(`--batch and --repeats are whole numbers of at least 1\n${usage}`, {
      code: "bad-option",
    });
  const runtime = await nodeRuntime({ device });
  const cpu = await nodeRuntime();
  const where = {
    date: new Date().toISOString(),
    rampart: version,
    ...runtime.target,
    machine: machine(),
    gpus: gpus(),
    vulkan: process.env.VK_ICD_FILENAMES ?? null,
    tf32: device === "cuda" ? process.env.NVIDIA_TF32_OVERRIDE !== "0" : null,
  };
  await mkdir(dirname(record), { recursive: true });
  for (const model of models)
    for (const work of Object.keys(works) as Work[]) {
      const difference = await agreement(runtime, cpu, work, model);
      for (const batch of batches) {
        const task = taskOf(model, batch);
        const row = { ...where, model, work, batch, repeats, difference };
        // Too large for the GPU is a result too.
        const result = await measure(runtime, work, task, repeats).catch((error: Error) => ({
          error: error.message.split("\n")[0],
        }));
        if ("error" in result) console.log(`${model} ${work} batch ${batch}: ${result.error}`);
        else {
          const { median, q1, q3 } = result.seconds;
          const [ms, low, high] = [median, q1, q3].map((s) => (1000 * s).toFixed(1));
          const rate = flops(work, task) / median;
          Object.assign(result, { imagesPerSecond: batch / median, flopsPerSecond: rate });
          console.log(
            `${model} ${work} batch ${batch}: ${ms} ms (quartiles ${low}–${high}), ${(batch / median).toFixed(0)} images/s, ${(rate / 1e9).toFixed(0)} GFLOP/s`,
          );
        }
        await appendFile(record, `${JSON.stringify({ ...row, ...result })}\n`);
      }
    }
  console.log(`recorded in ${record}`);
}

await main().catch((error: unknown) => {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
