// Where splitting noise splits the range of a pixel (Levine & Feizi 2021, arXiv:2103.10834), in levels of 8-bit pixels.
import { fillBits, fold, keyOf, nameToNumber } from "../math/random.ts";
import { HALF_LEVELS } from "./define-noise.ts";

/** Levels of 8-bit pixels above 0. */
const LEVELS = 255;

/** Largest distance of a float32 pixel from k/255 that rounding explains, in levels. */
const OFF_LEVEL = LEVELS * 2 ** -24;

/** The number of shifts that 8-bit pixels tell apart: 2λ in levels. */
export const shiftsOf = (lambda: number): number => Math.round(lambda * HALF_LEVELS);

/** Fixed shifts of single pixels: [pixels], whole levels in [0, shifts). They are a part of the classifier. */
export function fixedShifts(pixels: number, shifts: number): Int32Array {
  const words = new Uint32Array(pixels);
  fillBits(fold(keyOf(nameToNumber("fixed split points")), shifts), words);
  return Int32Array.from(words, (word) => Math.floor((word / 2 ** 32) * shifts));
}

/** A pixel of [0, 1] in levels; an 8-bit one exactly. */
export function levelOf(pixel: number): number {
  const level = pixel * LEVELS;
  const nearest = Math.round(level);
  return Math.abs(level - nearest) <= OFF_LEVEL ? nearest : level;
}

/**
 * What the network sees of a pixel at `level`, if intervals of `shifts` levels begin at `split` + ½: the middle of its interval,
 * of which only the part inside [0, 255] counts, as a pixel in [0, 1].
 */
export function middleOf(level: number, split: number, shifts: number): number {
  const below = split + 0.5 + shifts * (Math.ceil((level - split - 0.5) / shifts) - 1);
  return (Math.max(below, 0) + Math.min(below + shifts, LEVELS)) / (2 * LEVELS);
}
