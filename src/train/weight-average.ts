// Averages of the weights over the steps of a run, on the host.
import type { Tensor } from "../math/tensor.ts";
import { tensor } from "../math/tensor.ts";
import type { Parameters } from "../models/architecture.ts";
import { AVERAGE_PREFIX } from "../models/opening/checkpoint.ts";
import type { Refinements } from "./refinements.ts";

/** How an average includes the weights after a step. */
export interface Averaging {
  /** The weight of the newest weights after `step` steps of the run; 0 before the average begins. */
  share(step: number): number;
}

/**
 * The average that the options ask for: exponential with the decay `ema`, which starts smaller so that short runs forget their
 * first weights (Polyak & Juditsky 1992; min(decay, (1 + t)/(10 + t))), or equal over all steps after a share `swa` of `steps`
 * (Izmailov et al. 2018, arXiv:1803.05407). Undefined for none.
 */
export function averagingOf({ ema, swa }: Refinements, steps: number): Averaging | undefined {
  if (ema !== undefined) return { share: (step) => 1 - Math.min(ema, (1 + step) / (10 + step)) };
  if (swa === undefined) return undefined;
  const first = Math.min(Math.floor(swa * steps), steps - 1);
  return { share: (step) => (step > first ? 1 / (step - first) : 0) };
}

/** A running average of arrays by name. */
export class WeightAverage {
  readonly #averaging: Averaging;
  #average: Parameters | null;

  /** `stored` is the average in a checkpoint; null if it has not begun. */
  constructor(averaging: Averaging, stored: Parameters | null) {
    this.#averaging = averaging;
    this.#average = stored;
  }

  /** The average; null before it begins. A new object whenever it has changed. */
  get current(): Parameters | null {
    return this.#average;
  }

  /** Includes the weights after `step` steps. */
  add(weights: Parameters, step: number): void {
    const share = this.#averaging.share(step);
    if (share === 0) return;
    const before = this.#average;
    const entries = Object.entries(weights).map(([name, { shape, data }]): [string, Tensor] => {
      const old = before?.[name].data ?? data;
      return [
        name,
        tensor(
          shape,
          old.map((value, i) => value + share * (data[i] - value)),
        ),
      ];
    });
    this.#average = Object.fromEntries(entries);
  }

  /** The average under names for a checkpoint. */
  slots(): Readonly<Record<string, Tensor>> {
    const entries = Object.entries(this.#average ?? {});
    return Object.fromEntries(entries.map(([name, array]) => [AVERAGE_PREFIX + name, array]));
  }
}
