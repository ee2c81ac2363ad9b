// An attack that is watched: it stops at each of its questions to the network until the watcher asks for the next one.
import type { LossAndGradient, Tensor, Victim } from "../../index.ts";
import { Watched } from "./watched.ts";

/** Images [1, ...pixels] that the attack asked the network about, or at the end its result. */
export interface Question {
  readonly x: Tensor;
  /** What the network answered, logits [batch, classes]; null for the result, about which it was not asked. */
  readonly logits: Tensor | null;
  /** Questions so far, those that were not shown included. */
  readonly queries: number;
}

/** The victim, whose every answer is shown before the attack receives it. */
function watchedVictim(
  victim: Victim,
  show: (question: Omit<Question, "queries">) => Promise<void>,
): Victim {
  return {
    logits: async (x, keys) => {
      const logits = await victim.logits(x, keys);
      await show({ x, logits });
      return logits;
    },
    lossAndGradient: async (x, loss, keys): Promise<LossAndGradient> => {
      const answer = await victim.lossAndGradient(x, loss, keys);
      await show({ x, logits: answer.logits });
      return answer;
    },
  };
}

/**
 * Runs an attack question by question. Every attack of the table can be watched, because it asks a `Victim` and knows nothing
 * of the watcher. `run` is the attack on a victim, and returns adversarial images [1, ...pixels].
 */
export const watchedAttack = (
  victim: Victim,
  run: (victim: Victim) => Promise<Tensor>,
): Watched<Question> =>
  new Watched(async (show) => {
    let queries = 0;
    const counted = watchedVictim(victim, (question) => {
      queries++;
      return show({ ...question, queries });
    });
    return { x: await run(counted), logits: null, queries };
  });
