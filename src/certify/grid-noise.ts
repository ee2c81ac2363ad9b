// Noise rounded to the grid of 8-bit pixels, drawn with integers, so that floating point cannot break a certificate
// (Voráček & Hein 2022, arXiv:2207.07209; Jin et al. 2022, arXiv:2205.10159). For an image on the grid, rounding x + η is
// adding the rounded η, and rounding is the first step of the base classifier. So the radii of continuous noise hold.
import { fillBits, type Key } from "../math/random.ts";
import { UsageError } from "../math/usage-error.ts";
import type { ParameterValues } from "../noise/define-noise.ts";
import { parseNoise } from "../noise/table.ts";
import { type LowerCumulative, lowerCumulatives } from "./cumulative.ts";

/** Steps of the grid between 0 and 1. */
export const GRID = 255;

/** An upper bound on the errors of a cumulative probability as a double, of rounding it to 64 bits, and of the cut tails. */
const THRESHOLD_ERROR = 2 ** -49;

/** Tails with a smaller probability get no thresholds. */
const TAIL = 2 ** -60;

/** Noise of one pixel in steps of the grid. */
export interface GridNoise {
  /** Fills `steps` [pixels] with integers: round(255 η), one draw per key. */
  draw(key: Key, steps: Int32Array): void;
  /** Upper bound of the total variation between a drawn pixel and the rounded continuous noise. */
  readonly errorPerPixel: number;
}

/**
 * The integers ⌊2⁶⁴ F((k + ½)/255)⌋ for k = −m … m − 1, in two words each: a 64-bit number below threshold i, and not
 * below earlier thresholds, represents the step i − m.
 */
export interface Thresholds {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly furthest: number;
}

/** The number of steps beyond which the probability is below `TAIL`. */
export function furthestStep(lower: LowerCumulative): number {
  let furthest = 1;
  while (lower(-(furthest + 0.5) / GRID) > TAIL) furthest++;
  return furthest;
}

/** The thresholds of a noise with this F. */
export function thresholdsOf(lower: LowerCumulative): Thresholds {
  const furthest = furthestStep(lower);
  const [high, low] = [new Uint32Array(2 * furthest), new Uint32Array(2 * furthest)];
  for (let k = -furthest; k < 0; k++) {
    // A double below ½, times 2⁶⁴ and truncated, is an integer. The symmetric threshold is 2⁶⁴ minus this integer.
    const count = BigInt(Math.floor(lower((k + 0.5) / GRID) * 2 ** 64));
    const [below, above] = [k + furthest, furthest - 1 - k];
    for (const [i, value] of [
      [below, count],
      [above, 2n ** 64n - count],
    ] as const) {
      const kept = value > 2n ** 64n - 1n ? 2n ** 64n - 1n : value;
      high[i] = Number(kept >> 32n);
      low[i] = Number(kept & 0xffffffffn);
    }
  }
  return { high, low, furthest };
}

/** The bits of a draw that index the table: enough that few entries contain a threshold. */
const TABLE_BITS = 16;

/**
 * For the first bits of a draw, the number n of thresholds that are not above the draw, if these bits decide it. Otherwise
 * −1 − n, where a search starts from n, the number that is certain.
 */
function startsOf({ high }: Thresholds): Int32Array {
  const starts = new Int32Array(2 ** TABLE_BITS);
  const width = 2 ** (32 - TABLE_BITS);
  let passed = 0;
  for (let first = 0; first < starts.length; first++) {
    const smallest = first * width;
    while (passed < high.length && high[passed] < smallest) passed++;
    const decided = passed === high.length || high[passed] >= smallest + width;
    starts[first] = decided ? passed : -1 - passed;
  }
  return starts;
}

/** The factor on the error for the sum of normal and uniform noise, whose probabilities are divided by the uniform width. */
export const cancellation = ({ sigma = 0, bound = 1 }: Partial<ParameterValues>): number =>
  1 + sigma / bound;

/** The noises that can be drawn on the grid, without parameters. */
export const gridNoises: readonly string[] = Object.keys(lowerCumulatives);

/** The noise of this name on the grid. Throws `UsageError` for a noise whose pixels depend on each other. */
export function gridNoise(text: string): GridNoise {
  const { definition, parameters } = parseNoise(text);
  if (!Object.hasOwn(lowerCumulatives, definition.name))
    throw new UsageError(
      `${text} cannot be drawn on the grid of 8-bit pixels; use --sampling naive, or one of ${gridNoises.join(", ")}`,
      { code: "misfit" },
    );
  const thresholds = thresholdsOf(lowerCumulatives[definition.name](parameters));
  const starts = startsOf(thresholds);
  const { high, low, furthest } = thresholds;
  let words = new Uint32Array(0);
  function search(from: number, first: number, second: number): number {
    let at = from;
    while (at < high.length && (high[at] < first || (high[at] === first && low[at] <= second)))
      at++;
    return at;
  }
  return {
    errorPerPixel: high.length * THRESHOLD_ERROR * cancellation(parameters),
    draw(key, steps) {
      if (words.length !== 2 * steps.length) words = new Uint32Array(2 * steps.length);
      fillBits(key, words);
      for (let i = 0; i < steps.length; i++) {
        const first = words[2 * i];
        const start = starts[first >>> (32 - TABLE_BITS)];
        const passed = start < 0 ? search(-1 - start, first, words[2 * i + 1]) : start;
        steps[i] = passed - furthest;
      }
    },
  };
}

/** Largest distance of a float32 pixel from the grid that rounding of k / 255 explains. */
const OFF_GRID = 2 ** -24;

/** Pixels in [0, 1] as integers of the grid, or the first pixel that is not on the grid. */
export function onGrid(
  pixels: Float32Array,
): { readonly levels: Int32Array } | { readonly offGrid: number } {
  const levels = new Int32Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const level = Math.round(pixels[i] * GRID);
    if (!(Math.abs(pixels[i] - level / GRID) <= OFF_GRID)) return { offGrid: pixels[i] };
    levels[i] = level;
  }
  return { levels };
}
