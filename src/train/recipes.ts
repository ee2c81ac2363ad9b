import { multiStep, oneCycle, type Schedule } from "./schedule.ts";

/** Settings of the optimiser that belong together; each can be overridden by its option. */
export interface Recipe {
  readonly rate: number;
  readonly weightDecay: number;
  readonly batch: number;
  readonly dropout: number;
  readonly epochs: number;
  /** The rate of each of `steps` steps, `rate` being the highest. */
  schedule(rate: number, steps: number): Schedule;
}

/** Nesterov momentum of every recipe. */
export const MOMENTUM = 0.9;

const SHARES = [0.3, 0.6, 0.8];

/** Recipes by name. Milestones are shares of the run, so that a run of fewer epochs has all of them. */
export const recipes = {
  /** Zagoruyko & Komodakis 2016, arXiv:1605.07146, §3: as §5.1 of the paper says. */
  zagoruyko: {
    rate: 0.1,
    weightDecay: 5e-4,
    batch: 128,
    dropout: 0,
    epochs: 200,
    schedule: (rate, steps) => multiStep(rate, 0.2, SHARES, steps),
  },
  /** The settings in the paper's authors' own code: milestones at epochs 60, 120 and 160 of 200. */
  authors: {
    rate: 0.1,
    weightDecay: 2e-4,
    batch: 100,
    dropout: 0.3,
    epochs: 200,
    schedule: (rate, steps) => multiStep(rate, 0.1, SHARES, steps),
  },
  /** For a few epochs: one cycle, which needs no long tail at a small rate. */
  short: {
    rate: 0.05,
    weightDecay: 5e-4,
    batch: 128,
    dropout: 0,
    epochs: 10,
    schedule: (rate, steps) => oneCycle(rate, 0.25, steps),
  },
} as const satisfies Record<string, Recipe>;
