// Counter-based random numbers: a draw is a pure function of its key, so streams can be split, resumed and run in any order.

import { type Simd, simd } from "./threefry-simd.ts";

/**
 * A 64-bit key: two unsigned 32-bit words. Use a key once: draw from it or fold it, never both. A key may carry the index of
 * the example that it belongs to (`owned`). Keys folded from it keep that index, and no draw depends on it.
 */
export type Key = readonly [number, number, owner?: number];

/**
 * Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): encrypts the counter
 * (c0, c1) with `key`. Returns two unsigned 32-bit words.
 */
export function threefry(key: Key, c0: number, c1: number): Key {
  const words = new Uint32Array(2);
  fillBlocks(key, c0, c1, words);
  return [words[0], words[1]];
}

/** Fills `words` with the stream of a key: the blocks of counters (0, 0), (0, 1), … A longer array extends a shorter one. */
export function fillBits(key: Key, words: Uint32Array): void {
  fillBlocks(key, 0, 0, words);
  const last = words.length - 1;
  if (last % 2 === 0) words[last] = threefry(key, 0, last / 2)[0];
}

/** Number of words from which on WebAssembly is faster than the loop below. */
const MIN_VECTORISED = 32;

let cachedSimd: Simd | null | undefined;

/** The WebAssembly version for draws of `count` words; null for short draws, and without SIMD. */
function simdFor(count: number): Simd | null {
  if (count < MIN_VECTORISED) return null;
  if (cachedSimd === undefined) cachedSimd = simd();
  return cachedSimd;
}

/** Fills `words` with the blocks of counters (c0, c1), (c0, c1 + 1), … Leaves the last word of an odd number. */
function fillBlocks(key: Key, c0: number, c1: number, words: Uint32Array): void {
  const fast = simdFor(words.length);
  if (fast === null) {
    fillInLoop(key, c0, c1, words);
    return;
  }
  const whole = words.length - (words.length % 2);
  for (let from = 0; from < whole; from += fast.maxWords) {
    const count = Math.min(fast.maxWords, whole - from);
    words.set(fast.words(key[0], key[1], c0, c1 + from / 2, count), from);
  }
}

/**
 * Fills `row` with draws from U[low, low + range], one per word of the key's stream, and returns true; returns false if the
 * WebAssembly version does not apply.
 */
export function fillUniform(key: Key, row: Float32Array, low: number, range: number): boolean {
  const fast = simdFor(row.length);
  if (fast === null || row.length > fast.maxWords) return false;
  row.set(fast.uniform(key[0], key[1], row.length, low, range));
  return true;
}

/** `fillBlocks` in JavaScript: five unrolled groups of four rounds. */
export function fillInLoop(key: Key, c0: number, c1: number, words: Uint32Array): void {
  const k0 = key[0] | 0; // signed 32-bit integers, which engines keep unboxed
  const k1 = key[1] | 0;
  const k2 = k0 ^ k1 ^ 0x1bd11bda;
  const start0 = (c0 + k0) | 0;
  const start1 = (c1 + k1) | 0;
  for (let i = 0; i + 1 < words.length; i += 2) {
    let x0 = start0;
    let x1 = (start1 + (i >> 1)) | 0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
    x0 = (x0 + k1) | 0;
    x1 = (x1 + k2 + 1) | 0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
    x0 = (x0 + k2) | 0;
    x1 = (x1 + k0 + 2) | 0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
    x0 = (x0 + k0) | 0;
    x1 = (x1 + k1 + 3) | 0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
    x0 = (x0 + k1) | 0;
    x1 = (x1 + k2 + 4) | 0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
    x0 = (x0 + k2) | 0;
    x1 = (x1 + k0 + 5) | 0;
    words[i] = x0;
    words[i + 1] = x1;
  }
}

/**
 * The key of a seed, a non-negative safe integer.
 *
 * @example
 * ```ts
 * import { fold, keyOf } from "rampart";
 *
 * console.log(fold(keyOf(0), 7)); // the same numbers on every machine
 * ```
 */
export const keyOf = (seed: number): Key => [Math.floor(seed / 2 ** 32) >>> 0, seed >>> 0];

/**
 * An independent key for each `data`, a non-negative safe integer: `fold(key, step)`, `fold(key, attackIndex)`.
 *
 * @example
 * ```ts
 * import { fold, keyOf } from "rampart";
 *
 * const step = fold(fold(keyOf(0), 3), 1); // example 3, step 1
 * console.log(step);
 * ```
 */
export function fold(key: Key, data: number): Key {
  const folded = threefry(key, Math.floor(data / 2 ** 32) >>> 0, data >>> 0);
  const [, , owner] = key;
  return owner === undefined ? folded : [folded[0], folded[1], owner];
}

/** The same keys, each with the index of the example that it belongs to. */
export const owned = (keys: readonly Key[], owners: readonly number[]): Key[] =>
  keys.map(([first, second], i): Key => [first, second, owners[i]]);

/**
 * `fold` for each example of a batch.
 *
 * @example
 * ```ts
 * import { foldAll, keyOf, keysFor } from "rampart";
 *
 * console.log(foldAll(keysFor(keyOf(0), [0, 1]), 5).length); // 2
 * ```
 */
export const foldAll = (keys: readonly Key[], data: number): Key[] =>
  keys.map((key) => fold(key, data));

/**
 * One key per index in the data set, independent of the composition of batches.
 *
 * @example
 * ```ts
 * import { keyOf, keysFor } from "rampart";
 *
 * const keys = keysFor(keyOf(0), [10, 11, 12]); // of images 10, 11 and 12
 * console.log(keys.length);
 * ```
 */
export const keysFor = (key: Key, indices: readonly number[]): Key[] =>
  indices.map((index) => fold(key, index));

/** The 32-bit FNV-1a hash of a name (of its UTF-16 code units), for `fold`. */
export function nameToNumber(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
