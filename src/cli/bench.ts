import { z } from "zod";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { benchTask, type Task, type Work, works } from "./bench-work.ts";
import { command } from "./command.ts";
import { gemmPeak, peakMemory, resetPeakMemory, spread, timed } from "./measure.ts";
import { Device, Seed, Threads } from "./options.ts";
import { progress } from "./progress.ts";

/** Seconds per step of each repeat, after one step that does not count; ends early when `signal` aborts. */
async function measure(
  runtime: Runtime,
  work: Work,
  task: Task,
  { repeats, signal, done }: { repeats: number; signal: AbortSignal; done(steps: number): void },
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

/** `rampart bench`: how long a step of an attack and a step of training take on this machine. */
export const benchCommand = command({
  summary: "Measure the time per step and its share of this machine's measured peak.",
  options: z.strictObject({
    model: z.string().default("wrn-16-4").describe("cnn-small or wrn-<depth>-<width>"),
    batch: z.int().positive().default(64).describe("examples per step"),
    repeats: z.int().positive().default(10).describe("measured steps, after one that warms up"),
    device: Device,
    threads: Threads,
    seed: Seed,
  }),
  examples: ["rampart bench --model wrn-16-4 --batch 64"],
  async run({ model, batch, repeats, device, threads, seed }, context) {
    const task = benchTask(model, batch, seed);
    const runtime = await nodeRuntime({ device, ...(threads === undefined ? {} : { threads }) });
    const bar = progress(context.stderr, { json: context.json });
    const { target } = runtime;
    try {
      const peak = await gemmPeak(runtime);
      context.print(
        `${model}, batch ${batch}: ${target.engine} on ${target.device}, ${target.threads} threads, ${target.lowering} lowering; peak ${(peak / 1e9).toFixed(0)} GFLOP/s (product of matrices)`,
      );
      for (const [name, work] of Object.entries(works)) {
        const { seconds, memory } = await measure(runtime, work, task, {
          repeats,
          signal: context.signal,
          done: (steps) => bar.update(work.title, steps, repeats),
        });
        const flops = work.flops(task);
        const rate = flops / seconds.median;
        context.emit({
          ...{ work: name, model, batch, ...target, repeats, seconds },
          ...{ flops, flopsPerSecond: rate, peakFlopsPerSecond: peak, share: rate / peak, memory },
        });
        const ms = (value: number) => (1000 * value).toFixed(1);
        context.print(
          `${work.title.padEnd(24)} ${ms(seconds.median)} ms (quartiles ${ms(seconds.q1)}–${ms(seconds.q3)}), ${(rate / 1e9).toFixed(0)} GFLOP/s, ${Math.round((100 * rate) / peak)} % of peak, ${Math.round(memory / 2 ** 20)} MiB`,
        );
      }
    } finally {
      bar.stop();
    }
  },
});
