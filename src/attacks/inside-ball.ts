// Into a ball exactly: what is written never lies outside by the rounding of float32.
import { nextDown32, nextUp32 } from "../math/neighbours.ts";
import { add, clamp, sub, type Tensor } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { distances, rowOf } from "./examples.ts";
import type { Norm } from "./victim.ts";

/** Times that the pixels of a row are stepped towards x before x itself is taken. */
const MAX_PASSES = 8;

/**
 * `adversarial` in the ball of radius epsilon around x and in [0, 1], both [batch, ...pixels]. ‖adversarial − x‖, in double
 * precision and in any order of the additions, is at most epsilon, of every row. x is in [0, 1]; epsilon is at least 0.
 */
export function insideBall(adversarial: Tensor, x: Tensor, norm: Norm, epsilon: number): Tensor {
  const delta = balls[norm].project(sub(clamp(adversarial, 0, 1), x), epsilon);
  const inside = clamp(add(x, delta), 0, 1);
  for (let i = 0; i < inside.shape[0]; i++) trim(rowOf(inside, i), rowOf(x, i), norm, epsilon);
  return inside;
}

/** Per row, ‖adversarial − x‖ in double precision from float32 pixels. */
export const distancesOf = (adversarial: Tensor, x: Tensor, norm: Norm): number[] =>
  Array.from({ length: x.shape[0] ?? 0 }, (_, i) =>
    distances[norm](rowOf(adversarial, i), rowOf(x, i)),
  );

/** Steps pixels of a point that is outside by rounding to the next float32 towards x, until it is inside; in place. */
export function trim(point: Float32Array, x: Float32Array, norm: Norm, epsilon: number): void {
  if (norm === "linf") trimEach(point, x, epsilon);
  else trimSum(point, x, norm, epsilon);
}

/** The next float32 from `value` towards `to`; `to` itself where they are equal. */
function stepTowards(value: number, to: number): number {
  if (value === to) return to;
  return value > to ? nextDown32(value) : nextUp32(value);
}

function trimEach(point: Float32Array, x: Float32Array, epsilon: number): void {
  for (let i = 0; i < point.length; i++) {
    for (let step = 0; Math.abs(point[i] - x[i]) > epsilon; step++)
      point[i] = step < MAX_PASSES ? stepTowards(point[i], x[i]) : x[i];
  }
}

/** A sum of n numbers is right to n − 1 roundings, in whatever order they are added. */
const underRoundings = (epsilon: number, pixels: number): number =>
  epsilon * (1 - (pixels + 4) * Number.EPSILON);

function trimSum(point: Float32Array, x: Float32Array, norm: "l2" | "l1", epsilon: number): void {
  const most = underRoundings(epsilon, point.length);
  const length = () => distances[norm](point, x);
  for (let pass = 0; length() > most; pass++) {
    if (pass === MAX_PASSES) {
      point.set(x);
      return;
    }
    trimOnce(point, x, norm, norm === "l2" ? most * most : most);
  }
}

/** Steps one pixel after the other, as long as the sum of sizes (ℓ1) or of squares (ℓ2) is above `most`. */
function trimOnce(point: Float32Array, x: Float32Array, norm: "l2" | "l1", most: number): void {
  const part = (i: number) => {
    const size = Math.abs(point[i] - x[i]);
    return norm === "l2" ? size * size : size;
  };
  let sum = 0;
  for (let i = 0; i < point.length; i++) sum += part(i);
  for (let i = 0; i < point.length && sum > most; i++) {
    const before = part(i);
    point[i] = stepTowards(point[i], x[i]);
    sum += part(i) - before;
  }
}
