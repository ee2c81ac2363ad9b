import type { Victim } from "../../attacks/victim.ts";

/** Thrown by a network that is asked after its time is up. */
export class TimeIsUp extends Error {
  override readonly name = "TimeIsUp";
}

/** The same network until `isOver`, asked before each call, is true. Its calls then throw `TimeIsUp`. */
export function untilOver(victim: Victim, isOver: () => boolean): Victim {
  const check = () => {
    if (isOver()) throw new TimeIsUp("the time of --minutes is up");
  };
  return {
    logits: async (x, keys, hints) => {
      check();
      return victim.logits(x, keys, hints);
    },
    lossAndGradient: async (x, loss, keys, hints) => {
      check();
      return victim.lossAndGradient(x, loss, keys, hints);
    },
  };
}
