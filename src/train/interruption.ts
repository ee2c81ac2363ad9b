import type { Victim } from "../attacks/victim.ts";

/** Thrown by a guarded victim once its signal is aborted; only the training loop sees it. */
const interruption = Symbol("interruption");

/** A victim that refuses to go on after an abort, so that a long attack inside a step ends early. */
export function guarded(victim: Victim, signal: AbortSignal | undefined): Victim {
  const check = () => {
    if (signal?.aborted) throw interruption;
  };
  return {
    async logits(x, keys) {
      check();
      return victim.logits(x, keys);
    },
    async lossAndGradient(x, loss, keys, over) {
      check();
      return victim.lossAndGradient(x, loss, keys, over);
    },
  };
}

/** The value of a promise, or null if a guarded victim ended it. */
export const unlessInterrupted = <T>(value: Promise<T>): Promise<T | null> =>
  value.catch((error) => {
    if (error === interruption) return null;
    throw error;
  });
