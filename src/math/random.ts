// Counter-based randomness: a draw is a pure function of its key, so streams split, resume and run in any order.

/** A 64-bit random key: two unsigned 32-bit words. A key is used once: drawn from or folded, never both. */
export type Key = readonly [number, number];

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/**
 * Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"):
 * the block cipher of `key` applied to the counter (c0, c1); two unsigned 32-bit words.
 */
export function threefry(key: Key, c0: number, c1: number): Key {
  const ks = [key[0], key[1], key[0] ^ key[1] ^ 0x1bd11bda] as const;
  let x0 = (c0 + ks[0]) | 0;
  let x1 = (c1 + ks[1]) | 0;
  for (let group = 1; group <= 5; group++) {
    for (let i = 0; i < 4; i++) {
      const r = ROTATIONS[((group - 1) % 2) * 4 + i];
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << r) | (x1 >>> (32 - r))) ^ x0;
    }
    x0 = (x0 + ks[group % 3]) | 0;
    x1 = (x1 + ks[(group + 1) % 3] + group) | 0;
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** The key that a seed (a non-negative safe integer) starts from. */
export const keyOf = (seed: number): Key => [Math.floor(seed / 2 ** 32) >>> 0, seed >>> 0];

/** An independent key for each `data`: `fold(key, step)`, `fold(key, attackIndex)`. */
export const fold = (key: Key, data: number): Key =>
  threefry(key, Math.floor(data / 2 ** 32) >>> 0, data >>> 0);

/** `fold` for each example of a batch. */
export const foldAll = (keys: readonly Key[], data: number): Key[] =>
  keys.map((key) => fold(key, data));

/** One key per data-set index, independent of the batch that an example travels in. */
export const keysFor = (key: Key, indices: readonly number[]): Key[] =>
  indices.map((index) => fold(key, index));

/** A number from text (FNV-1a, 32 bits), so that a stream can be folded by name. */
export function nameToNumber(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
