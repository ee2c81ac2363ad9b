// The checkpoints at which APGD reviews an ascent and changes its step size (Croce & Hein 2020 and 2021).
import type { Norm } from "./victim.ts";

/** One example's ascent. All arrays are [pixels]; lengths are in the norm of the attack, for pixels in [0, 1]. */
export interface Climb {
  readonly x: Float32Array;
  readonly epsilon: number;
  /** The current point. */
  point: Float32Array;
  /** The point before the last step. */
  previous: Float32Array;
  /** The gradient of the loss at the current point. */
  gradient: Float32Array;
  /** The loss at the current point. */
  loss: number;
  /** The point of the highest loss so far, with its gradient and its margin. */
  best: {
    readonly point: Float32Array;
    readonly gradient: Float32Array;
    readonly loss: number;
    readonly margin: number;
  };
  stepSize: number;
  /** The number of steps since the last checkpoint that raised the loss. */
  rises: number;
  /** The best loss at the last checkpoint, and whether the step size was halved there. */
  bestBefore: number;
  halved: boolean;
  /** ℓ1: the share of pixels that a step moves, and the number of pixels in which `best` last differed from x. */
  share: number;
  support: number;
}

/** The rule that shrinks step sizes. */
export interface Schedule {
  /** The share of the new step in an update; the rest repeats the previous update. */
  readonly ownShare: number;
  /** The indices of the steps, counted from 1, after which `lookBack` is called. */
  checkpoints(steps: number): number[];
  /**
   * Updates the step size `since` steps after the last call or the start. `firstStep` is the length of an ascent's first
   * step in the norm, for pixels in [0, 1].
   */
  lookBack(climb: Climb, since: number, firstStep: number): void;
}

/** ρ: the step size is halved if at most this share of the steps raised the loss. */
const RHO = 0.75;

/** Continues from the best point with its gradient. The previous step is kept, as in the authors' code. */
function returnToBest(climb: Climb): void {
  climb.point = climb.best.point;
  climb.gradient = climb.best.gradient;
}

/** Croce & Hein 2020 (arXiv:2003.01690, §3.2), for ℓ∞ and ℓ2. */
export const halving: Schedule = {
  ownShare: 0.75,
  /** ⌈p N⌉ for p₁ = 0.22, pⱼ₊₁ = pⱼ + max(pⱼ − pⱼ₋₁ − 0.03, 0.06), in hundredths so that no rounding adds a step. */
  checkpoints(steps) {
    const found: number[] = [];
    for (let [p, period] = [22, 22]; p <= 100; p += period) {
      found.push(Math.ceil((p * steps) / 100));
      period = Math.max(period - 3, 6);
    }
    return [...new Set(found)];
  },
  lookBack(climb, since, _firstStep) {
    const { best, bestBefore } = climb;
    const oscillates = climb.rises <= RHO * since; // condition 1
    const stuck = !climb.halved && bestBefore >= best.loss; // condition 2
    climb.halved = oscillates || stuck;
    climb.rises = 0;
    climb.bestBefore = best.loss;
    if (!climb.halved) return;
    climb.stepSize /= 2;
    returnToBest(climb);
  },
};

/** The number of pixels in which the points a and b, both [pixels], differ. */
export function differing(a: Float32Array, b: Float32Array): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
}

/** The share of pixels that a step moves, from the number of pixels in which the best point differs from x. */
export const shareOf = (support: number, pixels: number): number => support / pixels / 1.5;

/** Croce & Hein 2021 (arXiv:2103.01208, §3.3), for ℓ1: a step moves fewer pixels as the best point becomes sparser. */
export const sparsifying: Schedule = {
  ownShare: 1,
  checkpoints(steps) {
    const period = Math.max(Math.floor(0.04 * steps), 1);
    return Array.from({ length: Math.floor(steps / period) }, (_, i) => (i + 1) * period);
  },
  lookBack(climb, _since, firstStep) {
    const support = differing(climb.best.point, climb.x);
    const sparser = support < 0.95 * climb.support;
    climb.share = shareOf(support, climb.x.length);
    climb.support = support;
    climb.stepSize = sparser ? firstStep : Math.max(climb.stepSize / 1.5, firstStep / 10);
    if (sparser) returnToBest(climb);
  },
};

/** The schedule of each norm. */
export const schedules: { readonly [N in Norm]: Schedule } = {
  linf: halving,
  l2: halving,
  l1: sparsifying,
};
