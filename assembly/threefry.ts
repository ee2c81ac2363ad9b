// Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), four blocks at a time.
// Addresses are in bytes; `quads` is at least 1.

import { rounded } from "./float-pairs";

const PARITY: i32 = 0x1bd11bda;

/** Each lane of `x` (i32x4) rotated to the left. */
function rotated(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
}

/**
 * Writes the blocks of counters (c0, c1), (c0, c1 + 1), … under the key (k0, k1).
 *
 * @param quads Number of blocks over 4.
 * @param to Unsigned 32-bit words, [4 · quads, 2].
 */
export function fill(k0: i32, k1: i32, c0: i32, c1: i32, quads: i32, to: usize): void {
  const key0 = i32x4.splat(k0);
  const key1 = i32x4.splat(k1);
  const key2 = i32x4.splat(k0 ^ k1 ^ PARITY);
  const high = i32x4.splat(c0);
  let low = i32x4.add(i32x4.splat(c1), i32x4(0, 1, 2, 3));
  do {
    let x0 = i32x4.add(high, key0);
    let x1 = i32x4.add(low, key1);

    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 13), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 15), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 26), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 6), x0);
    x0 = i32x4.add(x0, key1);
    x1 = i32x4.add(i32x4.add(x1, key2), i32x4.splat(1));

    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 17), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 29), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 16), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 24), x0);
    x0 = i32x4.add(x0, key2);
    x1 = i32x4.add(i32x4.add(x1, key0), i32x4.splat(2));

    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 13), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 15), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 26), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 6), x0);
    x0 = i32x4.add(x0, key0);
    x1 = i32x4.add(i32x4.add(x1, key1), i32x4.splat(3));

    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 17), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 29), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 16), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 24), x0);
    x0 = i32x4.add(x0, key1);
    x1 = i32x4.add(i32x4.add(x1, key2), i32x4.splat(4));

    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 13), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 15), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 26), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 6), x0);
    x0 = i32x4.add(x0, key2);
    x1 = i32x4.add(i32x4.add(x1, key0), i32x4.splat(5));

    v128.store(to, i32x4.shuffle(x0, x1, 0, 4, 1, 5));
    v128.store(to, i32x4.shuffle(x0, x1, 2, 6, 3, 7), 16);
    to += 32;
    low = i32x4.add(low, i32x4.splat(4));
  } while (--quads);
}

/** Two words, the lower lanes of `words` (i32x4), as low + range · (word + ½) · 2⁻³² (f64x2). */
function between(words: v128, low: v128, range: v128): v128 {
  const unit = f64x2.mul(
    f64x2.add(f64x2.convert_low_i32x4_u(words), f64x2.splat(0.5)),
    f64x2.splat(2.3283064365386963e-10),
  );
  return f64x2.add(f64x2.mul(unit, range), low);
}

/**
 * Maps words to low + range · (word + ½) · 2⁻³², in double precision, rounded to float32.
 *
 * @param from Unsigned 32-bit words, [4 · quads].
 * @param to float32, [4 · quads].
 */
export function uniform(from: usize, to: usize, quads: i32, low: f64, range: f64): void {
  const lows = f64x2.splat(low);
  const ranges = f64x2.splat(range);
  do {
    const words = v128.load(from);
    const left = between(words, lows, ranges);
    const right = between(i32x4.shuffle(words, words, 2, 3, 2, 3), lows, ranges);
    v128.store(to, rounded(left, right));
    from += 16;
    to += 16;
  } while (--quads);
}
