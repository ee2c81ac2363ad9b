// Where Winograd's convolutions begin to win on a machine, found by timing both forms at channel counts that networks have.

import { input, sum } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import { conv, convWeightGradient } from "../graph/windows.ts";
import type { BreakEven } from "../lowering/blocked/cost.ts";
import { random } from "./probe.ts";
import type { Program, Runtime } from "./runtime.ts";

/** Channels, examples, and the side of the images: all take about as long, and the images are as large as they are in networks. */
const SIZES = [
  { channels: 64, examples: 16, side: 32 },
  { channels: 128, examples: 32, side: 16 },
  { channels: 256, examples: 64, side: 8 },
  { channels: 512, examples: 32, side: 8 },
] as const;
type Size = (typeof SIZES)[number];

/** The time of both forms at one size, in seconds. */
export interface Measured {
  readonly what: keyof BreakEven;
  readonly channels: number;
  readonly direct: number;
  readonly winograd: number;
}

/** What was found, and from what. */
export interface Calibration {
  readonly breakEven: BreakEven;
  readonly measured: readonly Measured[];
}

const GEOMETRY = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 };

/** What is timed: two convolutions, or the weights' gradient of one; little leaves the graph. */
const works: { readonly [W in keyof BreakEven]: (size: Size) => Value } = {
  images({ channels, examples, side }) {
    const x = input("x", [examples, channels, side, side]);
    const w = input("w", [channels, channels, 3, 3]);
    return sum(conv(conv(x, w, GEOMETRY), w, GEOMETRY), [2, 3]);
  },
  weights({ channels, examples, side }) {
    const x = input("x", [examples, channels, side, side]);
    const dy = input("dy", [examples, channels, side, side]);
    return sum(convWeightGradient(x, dy, [3, 3], GEOMETRY), [2, 3]);
  },
};

/** Turns of each form at a size; their median counts. */
const TURNS = 9;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function measure(
  compile: (breakEven: BreakEven) => Runtime["compile"],
  what: keyof BreakEven,
  size: Size,
  now: () => number,
): Promise<Measured> {
  const { channels, examples, side } = size;
  const images = random([examples, channels, side, side], 0);
  const feeds = { x: images, dy: images, w: random([channels, channels, 3, 3], 1) };
  // One channel is a break-even that every network passes, this many none.
  const forms: Program[] = [];
  for (const bound of [Number.MAX_SAFE_INTEGER, 1]) {
    const both = compile({ images: bound, weights: bound });
    forms.push(await both({ y: works[what](size) }, { fixed: ["w"] }));
  }
  const seconds: number[][] = [[], []];
  for (let turn = 0; turn <= TURNS; turn++)
    for (const form of turn % 2 === 0 ? [0, 1] : [1, 0]) {
      const start = now();
      await forms[form].run(feeds);
      // The first turn prepares weights and memory.
      if (turn > 0) seconds[form].push((now() - start) / 1000);
    }
  for (const form of forms) await form.release();
  const [direct, winograd] = seconds.map(median);
  return { what, channels, direct, winograd };
}

/** Channels are counted in blocks. */
const BLOCK = 16;

/**
 * The channels at which both forms take as long, by interpolation of the ratio between the largest size at which Winograd's loses and the
 * next one; outside of what was measured its ends, the smallest size and twice the largest.
 */
export function crossing(measured: readonly Omit<Measured, "what">[]): number {
  const sizes = [...measured].sort((a, b) => a.channels - b.channels);
  const ratios = sizes.map(({ direct, winograd }) => Math.log(winograd / direct));
  const lost = ratios.findLastIndex((ratio) => ratio > 0);
  if (lost < 0) return sizes[0].channels;
  const [{ channels }, above] = [sizes[lost], sizes[lost + 1]];
  if (above === undefined) return 2 * channels;
  const share = ratios[lost] / (ratios[lost] - ratios[lost + 1]);
  return BLOCK * Math.round((channels * (above.channels / channels) ** share) / BLOCK);
}

/**
 * Times both forms of convolutions on an idle machine, a few seconds in all. `compile` makes programs with a break-even; `now` is a clock
 * in milliseconds.
 */
export async function calibrate(
  compile: (breakEven: BreakEven) => Runtime["compile"],
  now: () => number = () => performance.now(),
): Promise<Calibration> {
  const measured: Measured[] = [];
  for (const what of ["images", "weights"] as const)
    for (const size of SIZES) measured.push(await measure(compile, what, size, now));
  const of = (what: keyof BreakEven) => crossing(measured.filter((one) => one.what === what));
  return { breakEven: { images: of("images"), weights: of("weights") }, measured };
}
