// Where our side's time goes: ONNX Runtime's own profile of each program, summed by what its kernels do.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spread } from "../src/bench/measure.ts";
import { elementCount, type Shape } from "../src/math/tensor.ts";
import type { Job } from "./compare.ts";
import { startOurs } from "./peer.ts";

/** An event of a profile of ONNX Runtime, as far as we read it; `dur` in microseconds. */
interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly Readonly<Record<string, Shape>>[];
    readonly output_type_shape?: readonly Readonly<Record<string, Shape>>[];
  };
}

/** One run of a kernel. */
interface Kernel {
  /** Its operator; of a convolution also the window. */
  readonly kind: string;
  /** Shapes of its inputs and of its first output. */
  readonly shapes: string;
  readonly seconds: number;
  /** Operations of a convolution or product, as direct algorithms count them; else 0. */
  readonly flops: number;
}

/** One run of a program. */
export interface Run {
  /** From its start to its end. */
  readonly seconds: number;
  readonly kernels: readonly Kernel[];
}

const kernelTime = "_kernel_time";

const shapeOf = (described: Readonly<Record<string, Shape>> = {}): Shape =>
  Object.values(described)[0] ?? [];

function kernelOf({ dur, args }: ProfileEvent): Kernel {
  const { op_name: op = "?", input_type_shape: given = [], output_type_shape: made = [] } = args;
  const inputs = given.map(shapeOf);
  const [output = []] = made.map(shapeOf);
  const [x = [], weights = []] = inputs;
  const shapes = `${inputs.slice(0, 2).map(text).join(", ")} → ${text(output)}`;
  const one = { kind: op, shapes, seconds: dur / 1e6, flops: 0 };
  if (op === "Conv" || op === "ConvTranspose") {
    const [, channels, ...window] = weights;
    const each = 2 * elementCount(weights.slice(1));
    const group = channels === 1 ? ", one channel per group" : "";
    const flops = each * elementCount(op === "Conv" ? output : x);
    return { ...one, kind: `${op} ${window.join("×")}${group}`, flops };
  }
  if (!/MatMul|Gemm/.test(op)) return one;
  return { ...one, flops: 2 * elementCount(x) * (output.at(-1) ?? 1) };
}

const text = (shape: Shape) => shape.join("×") || "scalar";

/** The runs of a program, in order, from the JSON that ONNX Runtime writes: kernels come before their run's own event. */
export function runsOf(events: readonly ProfileEvent[]): Run[] {
  const runs: Run[] = [];
  let kernels: Kernel[] = [];
  for (const event of events)
    if (event.cat === "Node" && event.name.endsWith(kernelTime)) kernels.push(kernelOf(event));
    else if (event.name === "model_run") {
      runs.push({ seconds: event.dur / 1e6, kernels });
      kernels = [];
    }
  return runs;
}

/** What kernels of one kind, or of one kind and shapes, take per step. */
interface Share {
  readonly kind: string;
  readonly shapes: string;
  readonly count: number;
  readonly seconds: number;
  readonly flops: number;
}

/** Where a step's time goes, all in seconds. */
export interface Profile {
  /** Median, with profiles being written. */
  readonly step: number;
  /** In kernels, and in runs outside of them. */
  readonly kernels: number;
  readonly between: number;
  readonly kinds: readonly Share[];
  readonly shapes: readonly Share[];
}

/** Sums by what `key` says, the largest first, each divided by the number of steps. */
function sums(kernels: readonly Kernel[], steps: number, key: (one: Kernel) => string): Share[] {
  const found = new Map<string, Share>();
  for (const one of kernels) {
    const before = found.get(key(one)) ?? { ...one, count: 0, seconds: 0, flops: 0 };
    found.set(key(one), {
      ...before,
      count: before.count + 1 / steps,
      seconds: before.seconds + one.seconds / steps,
      flops: before.flops + one.flops / steps,
    });
  }
  return [...found.values()].sort((a, b) => b.seconds - a.seconds);
}

/**
 * Sums the runs of all programs per step. With `opensOnce` the first of `steps` is left out, which warms up: a program runs
 * equally often in each step, and one that does not (it prepares weights) belongs to opening the work.
 */
export function profileOf(
  programs: readonly (readonly Run[])[],
  { steps, opensOnce, step }: { steps: number; opensOnce: boolean; step: number },
): Profile {
  const counted = opensOnce ? steps - 1 : steps;
  const runs = programs.flatMap((all) => {
    if (!opensOnce) return all;
    return all.length % steps === 0 ? all.slice(all.length / steps) : [];
  });
  const kernels = runs.flatMap((run) => run.kernels);
  const total = (all: readonly { readonly seconds: number }[]) =>
    all.reduce((sum, { seconds }) => sum + seconds, 0) / counted;
  return {
    step,
    kernels: total(kernels),
    between: total(runs) - total(kernels),
    kinds: sums(kernels, counted, ({ kind }) => kind),
    shapes: sums(kernels, counted, ({ kind, shapes }) => `${kind} ${shapes}`),
  };
}

/** Profiles one kind of work in a process of its own: one step that opens it, and `rounds` more. */
export async function profile(
  job: Job,
  { threads, rounds, opensOnce }: { threads: number; rounds: number; opensOnce: boolean },
): Promise<Profile> {
  const folder = await mkdtemp(join(tmpdir(), "rampart-profile-"));
  const ours = startOurs(threads);
  try {
    const steps = opensOnce ? rounds + 1 : rounds;
    await ours.ask("open", job);
    const { seconds } = await ours.ask<{ seconds: number[] }>("profile", { folder, steps });
    const programs: Run[][] = [];
    for (const name of await readdir(folder))
      programs.push(runsOf(JSON.parse(await readFile(join(folder, name), "utf8"))));
    const step = spread(opensOnce ? seconds.slice(1) : seconds).median;
    return profileOf(programs, { steps, opensOnce, step });
  } finally {
    await ours.close();
    await rm(folder, { recursive: true });
  }
}

/** Rows of the second table. */
const SHAPES = 16;

/** As two tables in Markdown, by kind and by shapes. */
export function profileText(title: string, { step, kernels, between, kinds, shapes }: Profile) {
  const ms = (seconds: number) => (1000 * seconds).toPrecision(3);
  const rate = ({ flops, seconds }: Share) =>
    flops === 0 ? "" : `${Math.round(flops / seconds / 1e9)}`;
  const row = (name: string, one: Share) =>
    `| ${name} | ${Number(one.count.toFixed(1))} | ${ms(one.seconds)} | ${((100 * one.seconds) / step).toFixed(1)} | ${rate(one)} |`;
  const outside = step - kernels - between;
  return [
    `${title}: ${ms(step)} ms per step, of which ${ms(kernels)} in kernels, ${ms(between)} between them in the runtime, ${ms(outside)} outside of it`,
    "| operator | runs | ms | % of step | GFLOP/s |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...kinds.map((one) => row(one.kind, one)),
    "",
    "| operator and shapes | runs | ms | % of step | GFLOP/s |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...shapes.slice(0, SHAPES).map((one) => row(`${one.kind}: ${one.shapes}`, one)),
  ];
}
