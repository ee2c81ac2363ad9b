import type { Victim } from "../attacks/victim.ts";

/** Thrown by a guarded victim whose signal is aborted; never leaves the training loop. */
const interruption = Symbol("interruption");

/** A victim that throws once `isAborted` says so, which ends a long attack inside a training step. */
export function guarded(victim: Victim, isAborted: () => boolean): Victim {
  const check = () => {
    if (isAborted()) throw interruption;
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

/** Whether a guarded victim threw this. */
export const isInterruption = (error: unknown): boolean => error === interruption;

/** The value of a promise; null if a guarded victim interrupted it. */
export const unlessInterrupted = <T>(value: Promise<T>): Promise<T | null> =>
  value.catch((error) => {
    if (error === interruption) return null;
    throw error;
  });
