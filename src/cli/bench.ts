import { z } from "zod";
import { calibrateMachine } from "../bench/calibrate.ts";
import { gemmPeak, peakMemory, resetPeakMemory, spread, timed } from "../bench/measure.ts";
import { benchModel, benchTask, type Task } from "../bench/task.ts";
import type { Work } from "../bench/work.ts";
import { type WorkName, workNames, works } from "../bench/works.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import type { Runtime, RuntimeTarget } from "../engine/runtime/runtime.ts";
import { UsageError } from "../math/usage-error.ts";
import { type Context, command } from "./kit/command.ts";
import { DataDir, Device, Seed, Threads } from "./kit/options.ts";
import { progress } from "./kit/progress.ts";

interface MeasureOptions {
  readonly repeats: number;
  readonly signal: AbortSignal;
  /** Called after each measured step with the number of steps so far. */
  done(steps: number): void;
}

/** Seconds per step over the repeats, after one warm-up step, and the peak memory in bytes. Rejects when `signal` aborts. */
async function measure(
  runtime: Runtime,
  work: Work,
  task: Task,
  { repeats, signal, done }: MeasureOptions,
) {
  resetPeakMemory();
  const open = await work.open(runtime, task);
  const seconds: number[] = [];
  try {
    await open.step();
    for (let i = 1; i <= repeats; i++) {
      signal.throwIfAborted();
      seconds.push((await timed(open.step)).seconds);
      done(i);
    }
  } finally {
    await open.release();
  }
  return { seconds: spread(seconds), memory: peakMemory() };
}

/** What was measured. */
interface Measured {
  readonly name: WorkName;
  readonly title: string;
  readonly model: string;
  readonly batch: number;
  readonly target: RuntimeTarget;
  readonly repeats: number;
  readonly effort: object;
  /** Operations of a step; null if they are not counted. */
  readonly flops: number | null;
  /** Operations per second of a matrix product on this machine. */
  readonly peak: number;
}

/** Reports one kind of work, as a line for a person or as JSON. */
function tell(
  context: Context,
  { name, title, model, batch, target, repeats, effort, flops, peak }: Measured,
  { seconds, memory }: Awaited<ReturnType<typeof measure>>,
): void {
  const rate = flops === null ? null : flops / seconds.median;
  context.emit({
    work: name,
    model,
    batch,
    ...target,
    repeats,
    ...effort,
    seconds,
    flops,
    flopsPerSecond: rate,
    peakFlopsPerSecond: peak,
    share: rate === null ? null : rate / peak,
    memory,
  });
  const ms = (value: number) => (1000 * value).toFixed(1);
  const share =
    rate === null
      ? ""
      : `, ${(rate / 1e9).toFixed(0)} GFLOP/s, ${Math.round((100 * rate) / peak)} % of peak`;
  context.print(
    `${title.padEnd(30)} ${ms(seconds.median)} ms (quartiles ${ms(seconds.q1)}–${ms(seconds.q3)})${share}, ${Math.round(memory / 2 ** 20)} MiB`,
  );
}

/** `rampart bench`: measures the time of attack steps, training steps and whole evaluations on this machine. */
export const benchCommand = command({
  summary: "Measure the time per step, and the speed as a share of this machine's peak.",
  options: z.strictObject({
    work: z
      .array(z.enum(workNames as [WorkName, ...WorkName[]]))
      .min(1)
      .default(["gradient", "train"])
      .describe("work to measure, separated by commas"),
    model: z
      .string()
      .default("wrn-16-4")
      .describe("cnn-small, wrn-<depth>-<width>, a run directory or a model file"),
    batch: z.int().positive().default(64).describe("examples per step"),
    images: z.int().positive().optional().describe("images per evaluation; by default 1000 or 128"),
    repeats: z.int().positive().default(10).describe("measured steps, after one warm-up step"),
    data: z.string().optional().describe("data set; by default the model's own, cifar10 or shapes"),
    dataDir: DataDir,
    device: Device,
    threads: Threads,
    seed: Seed,
    calibrate: z
      .boolean()
      .default(false)
      .describe(
        "measure which implementation of convolutions is faster on this machine instead; later runs use it",
      ),
  }),
  examples: [
    "rampart bench --model wrn-16-4 --batch 64",
    "rampart bench --work pgd-accuracy,cw --model runs/at --repeats 3",
    "rampart bench --calibrate",
  ],
  async run({ work: chosen, model, batch, images, repeats, seed, ...rest }, context) {
    const { device, threads, data, dataDir, calibrate } = rest;
    if (calibrate) return calibrateMachine(device, threads, context);
    const opened = await benchModel(model, { data, dataDir, seed });
    const runtime = await nodeRuntime({ device, threads });
    const bar = progress(context.stderr, { json: context.json });
    const { target } = runtime;
    try {
      const peak = await gemmPeak(runtime);
      context.print(
        `${model}, batch ${batch}: ${target.engine} on ${target.device}, ${target.threads} threads, ${target.lowering} lowering; peak ${(peak / 1e9).toFixed(0)} GFLOP/s (matrix product)`,
      );
      for (const name of new Set(chosen)) {
        const work: Work = works[name];
        if (work.kind === "training" && opened.file !== null)
          throw new UsageError(
            `${model} cannot be trained, because rampart did not export it; leave ${name} out of --work`,
            { code: "misfit" },
          );
        const usual = work.effort(batch);
        const effort =
          images !== undefined && work.kind === "evaluation" ? { ...usual, images } : usual;
        const task = benchTask(opened, { kind: work.kind, batch, effort, seed });
        const measured = await measure(runtime, work, task, {
          repeats,
          signal: context.signal,
          done: (steps) => bar.update(work.title, steps, repeats),
        });
        const flops = work.flops(task);
        const what = {
          name,
          title: work.title,
          model,
          batch,
          target,
          repeats,
          effort,
          flops,
          peak,
        };
        tell(context, what, measured);
      }
    } finally {
      bar.stop();
    }
  },
});
