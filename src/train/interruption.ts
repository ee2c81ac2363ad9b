import type { Victim } from "../attacks/victim.ts";

/** Thrown by a guarded victim whose signal is aborted; never leaves the training loop. */
const interruption = Symbol("interruption");

/** A victim that throws once the signal is aborted, which ends a long attack inside a training step. */
export function guarded(victim: Victim, signal: AbortSignal | undefined): Victim {
  const check = () => {
    if (signal?.aborted) throw interruption;
  };
  return {
    async logits(x, keys, hints) {
      check();
      return victim.logits(x, keys, hints);
    },
    async lossAndGradient(x, loss, keys, hints) {
      check();
      return victim.lossAndGradient(x, loss, keys, hints);
    },
  };
}

/** The value of a promise; null if a guarded victim interrupted it. */
export const unlessInterrupted = <T>(value: Promise<T>): Promise<T | null> =>
  value.catch((error) => {
    if (error === interruption) return null;
    throw error;
  });
