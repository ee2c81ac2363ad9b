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

/** Half a cosine from `rate` to almost 0 (Loshchilov & Hutter 2017, arXiv:1608.03983, Eq. 5), after a linear rise over the first `warmup` share. */
export const cosine =
  (rate: number, warmup: number, steps: number): Schedule =>
  (step) => {
    const top = Math.round(warmup * steps);
    if (step < top) return (rate * (step + 1)) / top;
    return (rate / 2) * (1 + Math.cos((Math.PI * (step - top)) / (steps - top)));
  };

/** Milestones, as shares of a run, so that shorter runs have them too: epochs 60, 120 and 160 of 200. */
export const MILESTONES = [0.3, 0.6, 0.8];

/** The schedules that a run can choose in place of its recipe's. */
export const schedules = {
  "multi-step": (rate: number, steps: number) => multiStep(rate, 0.2, MILESTONES, steps),
  "one-cycle": (rate: number, steps: number) => oneCycle(rate, 0.25, steps),
  cosine: (rate: number, steps: number) => cosine(rate, 0.05, steps),
  constant: (rate: number) => () => rate,
} as const satisfies Record<string, (rate: number, steps: number) => Schedule>;
