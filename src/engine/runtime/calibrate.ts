// Measures from how many channels on Winograd convolutions win on a machine: times both forms at channel counts that are
// common in networks.

import { input, sum } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import { conv, convWeightGradient } from "../graph/windows.ts";
import type { BreakEven } from "../lowering/blocked/cost.ts";
import { random } from "./probe.ts";
import type { Program, Runtime } from "./runtime.ts";

/** Sizes that take about equally long. `side` is height and width of the images, as large as networks have them there. */
const SIZES = [
  { channels: 64, examples: 16, side: 32 },
  { channels: 128, examples: 32, side: 16 },
  { channels: 256, examples: 64, side: 8 },
  { channels: 512, examples: 32, side: 8 },
] as const;
type Size = (typeof SIZES)[number];

/** The time of both forms at one size, in seconds. */
export interface Timing {
  readonly operation: keyof BreakEven;
  readonly channels: number;
  readonly direct: number;
  readonly winograd: number;
}

/** A break-even and the timings that it follows from. */
export interface Calibration {
  readonly breakEven: BreakEven;
  readonly timings: readonly Timing[];
}

const GEOMETRY = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 };

/** The timed graphs. They end with a sum, so that little data leaves the engine. */
const graphs: { readonly [W in keyof BreakEven]: (size: Size) => Value } = {
  /** Two convolutions: x [examples, channels, side, side], w [channels, channels, 3, 3]. */
  images({ channels, examples, side }) {
    const x = input("x", [examples, channels, side, side]);
    const w = input("w", [channels, channels, 3, 3]);
    return sum(conv(conv(x, w, GEOMETRY), w, GEOMETRY), [2, 3]);
  },
  /** The weight gradient of one convolution: x and dy [examples, channels, side, side]. */
  weights({ channels, examples, side }) {
    const x = input("x", [examples, channels, side, side]);
    const dy = input("dy", [examples, channels, side, side]);
    return sum(convWeightGradient(x, dy, [3, 3], GEOMETRY), [2, 3]);
  },
};

/** Timed runs of each form at a size; their median counts. */
const RUNS = 9;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function measure(
  compile: (breakEven: BreakEven) => Runtime["compile"],
  operation: keyof BreakEven,
  size: Size,
  now: () => number,
): Promise<Timing> {
  const { channels, examples, side } = size;
  const images = random([examples, channels, side, side], 0);
  const feeds = { x: images, dy: images, w: random([channels, channels, 3, 3], 1) };
  // The direct form, by a break-even that no network reaches; then Winograd's, by one that every network reaches.
  const forms: Program[] = [];
  for (const bound of [Number.MAX_SAFE_INTEGER, 1]) {
    const compileForm = compile({ images: bound, weights: bound });
    forms.push(await compileForm({ y: graphs[operation](size) }, { fixed: ["w"] }));
  }
  const seconds: number[][] = [[], []];
  for (let run = 0; run <= RUNS; run++)
    for (const form of run % 2 === 0 ? [0, 1] : [1, 0]) {
      const start = now();
      await forms[form].run(feeds);
      // The first run prepares weights and allocates memory.
      if (run > 0) seconds[form].push((now() - start) / 1000);
    }
  for (const form of forms) await form.release();
  const [direct, winograd] = seconds.map(median);
  return { operation, channels, direct, winograd };
}

/** Break-evens are multiples of this many channels. */
const BLOCK = 16;

/**
 * Number of channels at which both forms take equally long: the logarithm of the ratio of their times is interpolated
 * between the largest size at which Winograd loses and the next one. If it always wins, the smallest size; if it loses at
 * the largest size, twice that size.
 */
export function breakEvenOf(timings: readonly Omit<Timing, "operation">[]): number {
  const sizes = [...timings].sort((a, b) => a.channels - b.channels);
  const logRatios = sizes.map(({ direct, winograd }) => Math.log(winograd / direct));
  const lastLoss = logRatios.findLastIndex((ratio) => ratio > 0);
  if (lastLoss < 0) return sizes[0].channels;
  const [{ channels }, next] = [sizes[lastLoss], sizes[lastLoss + 1]];
  if (next === undefined) return 2 * channels;
  const share = logRatios[lastLoss] / (logRatios[lastLoss] - logRatios[lastLoss + 1]);
  return BLOCK * Math.round((channels * (next.channels / channels) ** share) / BLOCK);
}

/**
 * Times both forms of convolutions, which takes a few seconds on an idle machine. `compile` compiles with a given
 * break-even; `now` is a clock in milliseconds.
 */
export async function calibrate(
  compile: (breakEven: BreakEven) => Runtime["compile"],
  now: () => number = () => performance.now(),
): Promise<Calibration> {
  const timings: Timing[] = [];
  for (const operation of ["images", "weights"] as const)
    for (const size of SIZES) timings.push(await measure(compile, operation, size, now));
  const breakEvenFor = (operation: keyof BreakEven) =>
    breakEvenOf(timings.filter((timing) => timing.operation === operation));
  return {
    breakEven: { images: breakEvenFor("images"), weights: breakEvenFor("weights") },
    timings,
  };
}
