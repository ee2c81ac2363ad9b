// A step of projected gradient ascent on one image, four pixels at a time: Madry et al. 2018, arXiv:1706.06083, §2.1. Rounds
// to float32 where the loops of src/attacks/balls.ts do. Addresses are in bytes; arrays are float32, [4 · quads], with quads ≥ 1.

import { lower, rounded, upper } from "./float-pairs";

/**
 * Four numbers (f32x4), each moved to the nearest one in [low, high]; NaN stays. `pmin(a, b)` is b < a ? b : a: one instruction,
 * where `min` takes several.
 */
function clamped(x: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, low), high);
}

/** Four pixels (f32x4), each moved to the nearest number in [0, 1]. */
function clampedToUnit(pixels: v128): v128 {
  const zero = f32x4.splat(0);
  // −0 + 0 is 0.
  return clamped(f32x4.add(pixels, zero), zero, f32x4.splat(1));
}

/** x + length · direction for four pixels (f32x4); `length` is f64x2. */
function moved(x: v128, direction: v128, length: v128): v128 {
  return rounded(
    f64x2.add(lower(x), f64x2.mul(length, lower(direction))),
    f64x2.add(upper(x), f64x2.mul(length, upper(direction))),
  );
}

/** factor · x for four numbers (f32x4); `factor` is f64x2. */
function scaled(x: v128, factor: v128): v128 {
  return rounded(f64x2.mul(lower(x), factor), f64x2.mul(upper(x), factor));
}

/**
 * The whole step in ℓ∞: out = the projection of at + length · sign(gradient) to the ball around `center` and to [0, 1]. Returns
 * 0 if the gradient is finite.
 */
export function linf(
  at: usize,
  gradient: usize,
  center: usize,
  out: usize,
  quads: i32,
  length: f64,
  epsilon: f64,
): i32 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const signBit = i32x4.splat(0x80000000);
  const sizeBits = i32x4.splat(0x7fffffff);
  const largest = i32x4.splat(0x7f7fffff);
  let tooLarge = i32x4.splat(0);
  const lengths = f64x2.splat(length);
  const most = f32x4.splat(<f32>epsilon);
  const least = f32x4.sub(zero, most);
  do {
    const slope = v128.load(gradient);
    // Sizes of float32 numbers are ordered as their bits are; those of infinity and NaN are above all others.
    tooLarge = v128.or(tooLarge, i32x4.gt_s(v128.and(slope, sizeBits), largest));
    const sign = v128.or(v128.and(slope, signBit), one);
    const direction = v128.and(sign, f32x4.ne(slope, zero));
    const middle = v128.load(center);
    const offset = f32x4.sub(moved(v128.load(at), direction, lengths), middle);
    v128.store(out, clampedToUnit(f32x4.add(clamped(offset, least, most), middle)));
    at += 16;
    gradient += 16;
    center += 16;
    out += 16;
  } while (--quads);
  return v128.any_true(tooLarge);
}

/** ‖x‖₂² in double precision; even and odd places are summed separately. */
export function squares(x: usize, quads: i32): f64 {
  let total = f64x2.splat(0);
  do {
    const four = v128.load(x);
    const left = lower(four);
    total = f64x2.add(f64x2.mul(left, left), total);
    const right = upper(four);
    total = f64x2.add(f64x2.mul(right, right), total);
    x += 16;
  } while (--quads);
  return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
}

/** First half of the step in ℓ2: out = at + length · (factor · gradient) − center, where `factor` is 1/‖gradient‖₂. */
export function move(
  at: usize,
  gradient: usize,
  center: usize,
  out: usize,
  quads: i32,
  length: f64,
  factor: f64,
): void {
  const lengths = f64x2.splat(length);
  const factors = f64x2.splat(factor);
  do {
    const direction = scaled(v128.load(gradient), factors);
    v128.store(out, f32x4.sub(moved(v128.load(at), direction, lengths), v128.load(center)));
    at += 16;
    gradient += 16;
    center += 16;
    out += 16;
  } while (--quads);
}

/** Second half of the step in ℓ2: out = factor · out + center, clamped to [0, 1], where `factor` projects to the ball. */
export function land(center: usize, out: usize, quads: i32, factor: f64): void {
  const factors = f64x2.splat(factor);
  do {
    const offset = scaled(v128.load(out), factors);
    v128.store(out, clampedToUnit(f32x4.add(offset, v128.load(center))));
    center += 16;
    out += 16;
  } while (--quads);
}
