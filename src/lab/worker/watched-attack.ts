// An attack that is watched: it stops at each of its questions to the network until the watcher asks for the next one.
import type { LossAndGradient, Tensor, Victim } from "../../index.ts";

/** Images [1, ...pixels] that the attack asked the network about, or at the end its result. */
export interface Question {
  readonly x: Tensor;
  readonly done: boolean;
}

/** Thrown inside an attack that is stopped. */
class Stopped extends Error {
  override readonly name = "AbortError";
}

/**
 * Runs an attack question by question. Every attack of the table can be watched, because it asks a `Victim` and knows nothing
 * of the watcher.
 */
export class WatchedAttack {
  #proceed: (() => void) | undefined;
  #stop: ((reason: Error) => void) | undefined;
  #arrived: ((question: Question) => void) | undefined;
  #failed: ((error: unknown) => void) | undefined;
  #running: Promise<Tensor> | undefined;
  #isStopped = false;
  readonly #victim: Victim;
  readonly #run: (victim: Victim) => Promise<Tensor>;

  /** `run` is the attack on a victim, and returns adversarial images [1, ...pixels]. */
  constructor(victim: Victim, run: (victim: Victim) => Promise<Tensor>) {
    this.#victim = victim;
    this.#run = run;
  }

  /** Waits at a question until `next` or `stop` is called. */
  async #show(x: Tensor): Promise<void> {
    if (this.#isStopped) throw new Stopped("the attack was stopped");
    this.#arrived?.({ x, done: false });
    await new Promise<void>((resolve, reject) => {
      this.#proceed = resolve;
      this.#stop = reject;
    });
  }

  #watchedVictim(): Victim {
    return {
      logits: async (x, keys) => {
        const logits = await this.#victim.logits(x, keys);
        await this.#show(x);
        return logits;
      },
      lossAndGradient: async (x, loss, keys): Promise<LossAndGradient> => {
        const answer = await this.#victim.lossAndGradient(x, loss, keys);
        await this.#show(x);
        return answer;
      },
    };
  }

  /** The next question, or at the end the result. */
  next(): Promise<Question> {
    if (this.#isStopped) return Promise.reject(new Stopped("the attack was stopped"));
    return new Promise<Question>((resolve, reject) => {
      this.#arrived = resolve;
      this.#failed = reject;
      if (this.#running !== undefined) {
        this.#proceed?.();
        return;
      }
      this.#running = this.#run(this.#watchedVictim());
      this.#running
        .then((x) => this.#arrived?.({ x, done: true }))
        .catch((error: unknown) => this.#failed?.(error));
    });
  }

  /** Ends the attack; a pending `next` is rejected. */
  stop(): void {
    this.#isStopped = true;
    this.#stop?.(new Stopped("the attack was stopped"));
  }
}
