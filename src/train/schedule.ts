/** The learning rate of each step, counted from 0. */
export type Schedule = (step: number) => number;

/** `rate`, multiplied by `factor` at each of these shares of `steps`. */
export const multiStep =
  (rate: number, factor: number, shares: readonly number[], steps: number): Schedule =>
  (step) =>
    rate * factor ** shares.filter((share) => step >= Math.round(share * steps)).length;

/**
 * One cycle (Smith & Topin 2017, arXiv:1708.07120), for short runs: linear from near 0 up to `rate` over
 * the first `warmup` share of `steps`, then linear down to near 0. No step has rate 0.
 */
export const oneCycle =
  (rate: number, warmup: number, steps: number): Schedule =>
  (step) => {
    const top = Math.max(1, Math.round(warmup * steps));
    return step < top ? (rate * (step + 1)) / top : (rate * (steps - step)) / (steps - top + 1);
  };
