import { adam, type Optimizer, type SgdOptions, sgd } from "./optimizer.ts";
import { cosine, MILESTONES, multiStep, oneCycle, type Schedule } from "./schedule.ts";

/** Settings of the optimiser that belong together; an option overrides each of them. */
export interface Recipe {
  /** By default SGD with Nesterov momentum. */
  readonly optimizer?: "adam";
  /** The highest learning rate. */
  readonly rate: number;
  /** λ of λ/2·‖w‖². */
  readonly weightDecay: number;
  /** Examples per step. */
  readonly batch: number;
  /** The probability of dropping a feature. */
  readonly dropout: number;
  readonly epochs: number;
  /** The learning rate of each of `steps` steps; `rate` is the highest. */
  schedule(rate: number, steps: number): Schedule;
}

/** The Nesterov momentum of all recipes with SGD. */
export const MOMENTUM = 0.9;

/** The recipes by name. */
export const recipes = {
  /** Zagoruyko & Komodakis 2016, arXiv:1605.07146, §3; used in §5.1 of the paper that this project reproduces. */
  zagoruyko: {
    rate: 0.1,
    weightDecay: 5e-4,
    batch: 128,
    dropout: 0,
    epochs: 200,
    schedule: (rate, steps) => multiStep(rate, 0.2, MILESTONES, steps),
  },
  /** The settings in the code of the paper's authors. */
  authors: {
    rate: 0.1,
    weightDecay: 2e-4,
    batch: 100,
    dropout: 0.3,
    epochs: 200,
    schedule: (rate, steps) => multiStep(rate, 0.1, MILESTONES, steps),
  },
  /** For a few epochs: one cycle, which needs no long phase at a small rate. */
  short: {
    rate: 0.05,
    weightDecay: 5e-4,
    batch: 128,
    dropout: 0,
    epochs: 10,
    schedule: (rate, steps) => oneCycle(rate, 0.25, steps),
  },
  /** For two cores: large batches and one long cycle, which suits the one-step attacks of `fast-at` (arXiv:2001.03994, §5). */
  fast: {
    rate: 0.2,
    weightDecay: 5e-4,
    batch: 128,
    dropout: 0,
    epochs: 15,
    schedule: (rate, steps) => oneCycle(rate, 0.4, steps),
  },
  /** For a trained file: a small rate, so that the file keeps what it has learned (Croce & Hein 2022, arXiv:2105.12508, §5). */
  harden: {
    rate: 0.01,
    weightDecay: 5e-4,
    batch: 128,
    dropout: 0,
    epochs: 10,
    schedule: (rate, steps) => cosine(rate, 0.1, steps),
  },
  /** For certified training (Zhang et al. 2020, arXiv:1906.06316, appendix): 130 and 190 of 200 epochs are the milestones. */
  certified: {
    optimizer: "adam",
    rate: 5e-4,
    weightDecay: 0,
    batch: 256,
    dropout: 0,
    epochs: 200,
    schedule: (rate, steps) => multiStep(rate, 0.1, [0.65, 0.95], steps),
  },
} as const satisfies Record<string, Recipe>;

/** The optimiser of a recipe. */
export function optimizerOf(
  recipe: keyof typeof recipes,
  { weightDecay, maxNorm }: Omit<SgdOptions, "momentum">,
): Optimizer {
  const { optimizer }: Recipe = recipes[recipe];
  return optimizer === "adam"
    ? adam({ weightDecay, maxNorm })
    : sgd({ momentum: MOMENTUM, weightDecay, maxNorm });
}
