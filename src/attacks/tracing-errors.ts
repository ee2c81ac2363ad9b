import type { Victim } from "./victim.ts";

/** The same victim, which records the errors that it throws, to tell them from errors of the attack. */
export function tracingErrors(victim: Victim) {
  const errors = new Set<unknown>();
  async function traced<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      errors.add(error);
      throw error;
    }
  }
  const tracing: Victim = {
    logits: (x, keys, hints) => traced(() => victim.logits(x, keys, hints)),
    lossAndGradient: (x, loss, keys, hints) =>
      traced(() => victim.lossAndGradient(x, loss, keys, hints)),
  };
  return { victim: tracing, isFromVictim: (error: unknown) => errors.has(error) };
}
