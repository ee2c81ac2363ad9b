// Four float32 lanes as two pairs of doubles, and back. A kernel computes in double precision and rounds to float32 where the
// JavaScript that it replaces does.

/** Lanes 0 and 1 of `x` (f32x4) as doubles (f64x2). */
export function lower(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

/** Lanes 2 and 3 of `x` (f32x4) as doubles (f64x2). */
export function upper(x: v128): v128 {
  return f64x2.promote_low_f32x4(i32x4.shuffle(x, x, 2, 3, 2, 3));
}

/** Two pairs of doubles (f64x2), rounded to four float32 lanes. */
export function rounded(low: v128, high: v128): v128 {
  const left = f32x4.demote_f64x2_zero(low);
  const right = f32x4.demote_f64x2_zero(high);
  return i32x4.shuffle(left, right, 0, 1, 4, 5);
}
