/** The learning rate of a step; steps count from 0. */
export type Schedule = (step: number) => number;

/** `rate`, multiplied by `factor` at each milestone, a share of `steps`. */
export const multiStep =
  (rate: number, factor: number, milestones: readonly number[], steps: number): Schedule =>
  (step) =>
    rate * factor ** milestones.filter((share) => step >= Math.round(share * steps)).length;

/**
 * One cycle (Smith & Topin 2017, arXiv:1708.07120), for short runs: rises linearly to `rate` over the first `warmup`
 * share of `steps`, then falls linearly. No step has rate 0.
 */
export const oneCycle =
  (rate: number, warmup: number, steps: number): Schedule =>
  (step) => {
    const top = Math.max(1, Math.round(warmup * steps));
    return step < top ? (rate * (step + 1)) / top : (rate * (steps - step)) / (steps - top + 1);
  };
