// A step of Adam for C&W on one image, two pixels at a time, to the bit as `descendInLoop` in src/attacks/cw-descent.ts.

// The constants of tanh, as in src/attacks/cw-descent.ts.
const LOG2E: f64 = Math.LOG2E;
/** ln 2 in two parts, the first of which ends in zeros (Cody & Waite 1980). */
const LN2: f64 = 0.6931471803691238;
const LN2_REST: f64 = 1.9082149292705877e-10;
/** Adding and subtracting 1.5 · 2⁵² rounds to whole numbers. */
const ROUND: f64 = 6755399441055744;
/** tanh is ±1 beyond half of this. */
const MAX_EXPONENT: f64 = 44;

/** Two doubles (f64x2) loaded from two float32. */
function loadedPair(from: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(from));
}

/** sum · r + term: a step of Horner's scheme. */
function horner(sum: v128, r: v128, term: f64): v128 {
  return f64x2.add(f64x2.mul(sum, r), f64x2.splat(term));
}

/** e^r for |r| ≤ ln 2 / 2, by its Taylor series to 2e-16. */
function smallExponential(r: v128): v128 {
  let sum = f64x2.splat(1.0 / 479001600.0);
  sum = horner(sum, r, 1.0 / 39916800.0);
  sum = horner(sum, r, 1.0 / 3628800.0);
  sum = horner(sum, r, 1.0 / 362880.0);
  sum = horner(sum, r, 1.0 / 40320.0);
  sum = horner(sum, r, 1.0 / 5040.0);
  sum = horner(sum, r, 1.0 / 720.0);
  sum = horner(sum, r, 1.0 / 120.0);
  sum = horner(sum, r, 1.0 / 24.0);
  sum = horner(sum, r, 1.0 / 6.0);
  sum = horner(sum, r, 0.5);
  sum = horner(sum, r, 1.0);
  return horner(sum, r, 1.0);
}

/** tanh w = 1 − 2/(e^2w + 1) of two doubles (f64x2), where e^y = 2^k e^r. */
function tanhOf(w: v128): v128 {
  const one = f64x2.splat(1);
  const two = f64x2.splat(2);
  const limited = f64x2.min(f64x2.mul(w, two), f64x2.splat(MAX_EXPONENT));
  const y = f64x2.max(limited, f64x2.splat(-MAX_EXPONENT));
  const shifted = f64x2.add(f64x2.mul(y, f64x2.splat(LOG2E)), f64x2.splat(ROUND));
  const k = f64x2.sub(shifted, f64x2.splat(ROUND));
  const r = f64x2.sub(
    f64x2.sub(y, f64x2.mul(k, f64x2.splat(LN2))),
    f64x2.mul(k, f64x2.splat(LN2_REST)),
  );
  // The lowest bits of `shifted` are k, and become the exponent of a double.
  const power = i64x2.add(i64x2.shl(shifted, 52), one);
  const exponential = f64x2.mul(smallExponential(r), power);
  return f64x2.sub(one, f64x2.div(two, f64x2.add(exponential, one)));
}

/**
 * Updates w, tanh, pixels, mean and square in place; returns ‖pixels − x‖₂² after it. Addresses are in bytes.
 *
 * @param x float32, [2 · pairs], the image.
 * @param w Doubles, [2 · pairs], with pixels = (tanh w + 1)/2.
 * @param tanh Doubles, [2 · pairs], tanh w; as `pixels`, it may be of x itself.
 * @param pixels float32, [2 · pairs].
 * @param mean Doubles, [2 · pairs], Adam's mean of the gradient.
 * @param square Doubles, [2 · pairs], Adam's mean of its square.
 * @param slope float32, [2 · pairs], ∂g/∂pixels.
 * @param pairs At least 1.
 * @param weight Of g in the loss.
 * @param unbiasMean 1/(1 − β₁ᵗ).
 * @param unbiasSquare 1/(1 − β₂ᵗ).
 */
export function descend(
  x: usize,
  w: usize,
  tanh: usize,
  pixels: usize,
  mean: usize,
  square: usize,
  slope: usize,
  pairs: i32,
  weight: f64,
  learningRate: f64,
  unbiasMean: f64,
  unbiasSquare: f64,
): f64 {
  const one = f64x2.splat(1);
  const half = f64x2.splat(0.5);
  const weights = f64x2.splat(weight);
  const rates = f64x2.splat(learningRate);
  const meanFactors = f64x2.splat(unbiasMean);
  const squareFactors = f64x2.splat(unbiasSquare);
  let total = f64x2.splat(0);
  do {
    const center = loadedPair(x);
    const t = v128.load(tanh);
    const ofDistance = f64x2.mul(f64x2.splat(2), f64x2.sub(loadedPair(pixels), center));
    const atPixel = f64x2.add(ofDistance, f64x2.mul(weights, loadedPair(slope)));
    // ∂pixels/∂w = (1 − tanh² w)/2
    const g = f64x2.mul(f64x2.mul(atPixel, f64x2.sub(one, f64x2.mul(t, t))), half);

    const m = f64x2.add(
      f64x2.mul(v128.load(mean), f64x2.splat(0.9)),
      f64x2.mul(g, f64x2.splat(0.1)),
    );
    const v = f64x2.add(
      f64x2.mul(v128.load(square), f64x2.splat(0.999)),
      f64x2.mul(f64x2.mul(g, f64x2.splat(0.001)), g),
    );
    v128.store(mean, m);
    v128.store(square, v);
    const step = f64x2.div(
      f64x2.mul(f64x2.mul(rates, m), meanFactors),
      f64x2.add(f64x2.sqrt(f64x2.mul(v, squareFactors)), f64x2.splat(1e-8)),
    );
    const next = f64x2.sub(v128.load(w), step);
    v128.store(w, next);

    const nextTanh = tanhOf(next);
    v128.store(tanh, nextTanh);
    const pixel = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.add(nextTanh, one), half));
    v128.store64_lane(pixels, pixel, 0);
    const delta = f64x2.sub(f64x2.promote_low_f32x4(pixel), center);
    total = f64x2.add(f64x2.mul(delta, delta), total);

    x += 8;
    pixels += 8;
    slope += 8;
    w += 16;
    tanh += 16;
    mean += 16;
    square += 16;
  } while (--pairs);
  return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
}
