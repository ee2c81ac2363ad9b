// Exact projection onto a ball: float32 rounding never leaves a point outside.
import { nextDown32, nextUp32 } from "../math/neighbours.ts";
import { add, clamp, sub, type Tensor } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { distances, rowOf } from "./examples.ts";
import { changedPixels, projectPixels } from "./pixels.ts";
import type { AttackNorm, Norm } from "./victim.ts";

/** The maximum number of times that a row's pixels are stepped towards x, before x itself replaces them. */
const MAX_PASSES = 8;

/**
 * `adversarial` projected onto the ball of radius epsilon around x and clipped to [0, 1], both [batch, ...pixels]. For every
 * row, ‖adversarial − x‖ in double precision is at most epsilon, for any order of the additions; in ℓ0 at most epsilon pixels
 * differ, and the others are x's to the bit. x must be in [0, 1], and epsilon at least 0.
 */
export function projectExactly(
  adversarial: Tensor,
  x: Tensor,
  norm: AttackNorm,
  epsilon: number,
): Tensor {
  if (norm === "l0") return projectPixels(clamp(adversarial, 0, 1), x, epsilon);
  const delta = balls[norm].project(sub(clamp(adversarial, 0, 1), x), epsilon);
  const inside = clamp(add(x, delta), 0, 1);
  for (let i = 0; i < inside.shape[0]; i++)
    stepInside(rowOf(inside, i), rowOf(x, i), norm, epsilon);
  return inside;
}

/** ‖adversarial − x‖ of each row [batch], in double precision, for pixels [batch, ...pixels] in [0, 1]. */
export function distancesOf(adversarial: Tensor, x: Tensor, norm: AttackNorm): number[] {
  if (norm === "l0") return changedPixels(adversarial, x);
  return Array.from({ length: x.shape[0] ?? 0 }, (_, i) =>
    distances[norm](rowOf(adversarial, i), rowOf(x, i)),
  );
}

/** A result that is outside the ball by at most this much still counts, after projection: float32 rounding may cause it. */
const ROUNDING = 1e-6;

/**
 * Whether each row of `adversarial` [batch, ...pixels] is in the ball around x, up to rounding to float32: in ℓ0, a pixel that
 * moved by 1e-6 or less has not changed. `projectExactly` brings such a row into the ball.
 */
export function areWithin(
  adversarial: Tensor,
  x: Tensor,
  norm: AttackNorm,
  epsilon: number,
): boolean[] {
  if (norm === "l0")
    return changedPixels(adversarial, x, ROUNDING).map((count) => count <= epsilon);
  return distancesOf(adversarial, x, norm).map((length) => length <= epsilon + ROUNDING);
}

/**
 * Moves a point [pixels] that rounding left just outside the ball back into it, in place: pixels step to the next float32
 * towards x [pixels]. Epsilon is for pixels in [0, 1].
 */
export function stepInside(
  point: Float32Array,
  x: Float32Array,
  norm: Norm,
  epsilon: number,
): void {
  if (norm === "linf") stepInsideLinf(point, x, epsilon);
  else stepInsideSum(point, x, norm, epsilon);
}

/** The next float32 from `value` towards `to`; `to` itself where they are equal. */
function stepTowards(value: number, to: number): number {
  if (value === to) return to;
  return value > to ? nextDown32(value) : nextUp32(value);
}

function stepInsideLinf(point: Float32Array, x: Float32Array, epsilon: number): void {
  for (let i = 0; i < point.length; i++) {
    for (let step = 0; Math.abs(point[i] - x[i]) > epsilon; step++)
      point[i] = step < MAX_PASSES ? stepTowards(point[i], x[i]) : x[i];
  }
}

/** Epsilon minus the largest rounding error of a sum of `pixels` numbers: at most pixels − 1 roundings, in any order. */
const underRoundings = (epsilon: number, pixels: number): number =>
  epsilon * (1 - (pixels + 4) * Number.EPSILON);

function stepInsideSum(
  point: Float32Array,
  x: Float32Array,
  norm: "l2" | "l1",
  epsilon: number,
): void {
  const limit = underRoundings(epsilon, point.length);
  const length = () => distances[norm](point, x);
  for (let pass = 0; length() > limit; pass++) {
    if (pass === MAX_PASSES) {
      point.set(x);
      return;
    }
    stepOnce(point, x, norm, norm === "l2" ? limit * limit : limit);
  }
}

/** Steps pixels one after the other until the sum of absolute values (ℓ1) or of squares (ℓ2) is at most `limit`. */
function stepOnce(point: Float32Array, x: Float32Array, norm: "l2" | "l1", limit: number): void {
  const part = (i: number) => {
    const size = Math.abs(point[i] - x[i]);
    return norm === "l2" ? size * size : size;
  };
  let sum = 0;
  for (let i = 0; i < point.length; i++) sum += part(i);
  for (let i = 0; i < point.length && sum > limit; i++) {
    const before = part(i);
    point[i] = stepTowards(point[i], x[i]);
    sum += part(i) - before;
  }
}
