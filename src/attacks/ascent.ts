import { marginsOf } from "../losses/margin.ts";
import { takeLoss } from "../losses/plain.ts";
import type { RowLoss } from "../losses/table.ts";
import { foldAll, type Key } from "../math/random.ts";
import { type Tensor, takeRows, tensor } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { putRows } from "./examples.ts";
import { checkGradient, checkLabels, notFinite } from "./preconditions.ts";
import type { Labels, LossAndGradient, Norm, Victim } from "./victim.ts";

/** The settings of an ascent: the ball around x, and the number and length of steps. */
export interface Ascent {
  readonly norm: Norm;
  /** The radius of the ball in the norm, for pixels in [0, 1]. */
  readonly epsilon: number;
  readonly steps: number;
  /** The length of step 1, 2, … in the norm, for pixels in [0, 1]. */
  length(step: number): number;
  /** The share of the previous direction in the direction of a step; the rest is the gradient. */
  readonly momentum: number;
  readonly stopWhenBroken: boolean;
}

/** A batch x [batch, ...pixels] with labels and keys [batch], and the loss that an ascent maximises. */
export interface Climb {
  readonly x: Tensor;
  readonly loss: RowLoss;
  readonly labels: Labels;
  readonly keys: readonly Key[];
}

/**
 * Projected gradient ascent (Araujo et al. 2019, arXiv:1903.10219, Eq. 3) from `start` [batch, ...pixels] in the ball around
 * x to the points [batch, ...pixels] that the last step reaches. With `stopWhenBroken`, a misclassified example keeps its
 * point and leaves the batch.
 */
export async function ascend(
  { norm, epsilon, steps, length, momentum, stopWhenBroken }: Ascent,
  victim: Victim,
  whole: Climb,
  start: Tensor,
): Promise<Tensor> {
  const ball = balls[norm];
  const reached = tensor(start.shape, start.data.slice());
  let places = whole.labels.map((_, i) => i);
  let { x, loss, labels, keys } = whole;
  let at = start;
  let direction: Tensor | null = null;
  let answer: LossAndGradient | undefined;
  for (let step = 1; step <= steps && places.length > 0; step++) {
    const next = step < steps ? { keys: foldAll(keys, step + 1), shape: at.shape } : undefined;
    answer = await victim.lossAndGradient(at, loss, foldAll(keys, step), { next, reuse: answer });
    let { gradient, logits } = answer;
    checkLabels(labels, logits);
    const standing = stopWhenBroken ? rightOnes(logits, labels) : places.map((_, i) => i);
    if (standing.length < places.length) {
      checkGradient(gradient);
      putRows(reached, at, places);
      const take = <T>(all: readonly T[]) => standing.map((i) => all[i]);
      [places, labels, keys] = [take(places), take(labels), take(keys)];
      loss = takeLoss(loss, standing);
      [x, at, gradient] = [x, at, gradient].map((all) => takeRows(all, standing));
      if (direction !== null) direction = takeRows(direction, standing);
    }
    direction = momentum === 0 ? gradient : mixed(direction ?? tensor(x.shape), gradient, momentum);
    const stepped = ball.ascendFinite(at, direction, length(step), x, epsilon);
    if (stepped === null) throw notFinite(gradient);
    at = stepped;
  }
  putRows(reached, at, places);
  return reached;
}

/** momentum · before + (1 − momentum) · gradient; overwrites `before`. */
function mixed(before: Tensor, gradient: Tensor, momentum: number): Tensor {
  const [sums, own] = [before.data, gradient.data];
  for (let i = 0; i < sums.length; i++) sums[i] = momentum * sums[i] + (1 - momentum) * own[i];
  return before;
}

/** The rows that are classified correctly; a tie counts as correct. */
const rightOnes = (logits: Tensor, labels: Labels): number[] =>
  [...marginsOf(logits, labels).entries()].filter(([, m]) => !(m > 0)).map(([i]) => i);
