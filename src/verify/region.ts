import { unit } from "../math/distributions.ts";
import { ceil32, floor32 } from "../math/neighbours.ts";
import { fillBits, type Key } from "../math/random.ts";
import type { Case } from "./property.ts";

/** The largest float32. */
export const LARGEST = 3.4028234663852886e38;

/** The float32 points of a case's box, as its smallest and largest corner, [inputs] each. */
export interface Region {
  readonly lower: Float32Array;
  readonly upper: Float32Array;
}

/**
 * An interval of an input that contains no float32, so that no float32 network can be run on it; or for a network of whole
 * numbers none of those.
 */
export interface Gap {
  /** The index of the input. */
  readonly input: number;
  readonly lower: number;
  readonly upper: number;
  /** What it contains none of. */
  readonly missing: "float32" | "whole number";
}

/**
 * The float32 points of a box, or the first of its sides that contains none. With `isWhole`, between the smallest and the
 * largest point of whole numbers.
 */
export function regionOf(
  { lower, upper }: Pick<Case, "lower" | "upper">,
  isWhole = false,
): Region | Gap {
  const region = { lower: new Float32Array(lower.length), upper: new Float32Array(lower.length) };
  for (let i = 0; i < lower.length; i++) {
    region.lower[i] = ceil32(isWhole ? Math.ceil(lower[i]) : lower[i]);
    region.upper[i] = floor32(isWhole ? Math.floor(upper[i]) : upper[i]);
    if (!(region.lower[i] <= region.upper[i]))
      return {
        input: i,
        lower: lower[i],
        upper: upper[i],
        missing: isWhole ? "whole number" : "float32",
      };
  }
  return region;
}

/** Whether a region is one point, for which one evaluation suffices. */
export const isPoint = ({ lower, upper }: Region): boolean =>
  lower.every((low, i) => low === upper[i]);

/** Whether x lies between two corners, both included. */
export function isInside(
  { lower, upper }: Region | Pick<Case, "lower" | "upper">,
  x: Float32Array,
): boolean {
  for (let i = 0; i < x.length; i++) if (!(lower[i] <= x[i] && x[i] <= upper[i])) return false;
  return true;
}

/** The centre [inputs], rounded to float32. */
export function centreOf({ lower, upper }: Region): Float32Array {
  return lower.map((low, i) => within(low / 2 + upper[i] / 2, low, upper[i]));
}

/** A uniform draw from the region [inputs], rounded to float32. */
export function pointIn({ lower, upper }: Region, key: Key): Float32Array {
  const words = new Uint32Array(lower.length);
  fillBits(key, words);
  return lower.map((low, i) => within(low + (upper[i] - low) * unit(words[i]), low, upper[i]));
}

/** x, moved away from the centre, so that a uniform draw becomes a uniform draw from a box `times` as wide. */
export const spread = ({ lower, upper }: Region, x: Float32Array, times: number): Float32Array =>
  x.map((value, i) => {
    const centre = lower[i] / 2 + upper[i] / 2;
    return within(centre + times * (value - centre), -LARGEST, LARGEST);
  });

/** A random corner [inputs]; all corners have the same probability. */
export function cornerOf({ lower, upper }: Region, key: Key): Float32Array {
  const words = new Uint32Array(lower.length);
  fillBits(key, words);
  return lower.map((low, i) => (words[i] >>> 31 === 1 ? upper[i] : low));
}

/**
 * The number of [low, high] nearest to x. If both bounds are float32, rounding the result to float32 stays between them.
 */
export const within = (x: number, low: number, high: number): number =>
  Math.min(Math.max(x, low), high);
