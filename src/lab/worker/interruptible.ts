import type { Victim } from "../../index.ts";

/** Lets the messages of the page in: a session of onnxruntime-web returns without leaving the thread. */
const messages = () => new Promise<void>((resolve) => setTimeout(resolve));

/** The same victim, which throws an AbortError at the first question after `isStopped` says so. */
export function interruptible(victim: Victim, isStopped: () => boolean): Victim {
  const check = async () => {
    await messages();
    if (isStopped()) throw new DOMException("the computation was stopped", "AbortError");
  };
  return {
    async logits(x, keys, hints) {
      await check();
      return victim.logits(x, keys, hints);
    },
    async lossAndGradient(x, loss, keys, hints) {
      await check();
      return victim.lossAndGradient(x, loss, keys, hints);
    },
  };
}
