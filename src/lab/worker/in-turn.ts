import type { Victim } from "../../index.ts";

/** The same victim, asked one question at a time: a session of onnxruntime-web takes no second one while it runs. */
export function inTurn(victim: Victim): Victim {
  let last: Promise<unknown> = Promise.resolve();
  const queued = <T>(ask: () => Promise<T>): Promise<T> => {
    const answer = last.then(ask, ask);
    last = answer.catch(() => undefined);
    return answer;
  };
  return {
    logits: (x, keys, hints) => queued(() => victim.logits(x, keys, hints)),
    lossAndGradient: (x, loss, keys, hints) =>
      queued(() => victim.lossAndGradient(x, loss, keys, hints)),
  };
}
