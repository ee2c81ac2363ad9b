// A computation in the worker that is asked for one moment after the other, with buttons.
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Answer } from "../protocol.ts";
import type { PlayerStatus } from "./player.ts";
import { problem } from "./worker.ts";

/** The computation in the worker. */
export interface Asked<T> {
  next(): Promise<Answer<T>>;
  stop(): unknown;
}

/** Plays a computation until its last moment, pauses it, and starts it again. */
export class Series<T> {
  readonly #moments = signal<readonly T[]>([]);
  readonly #status = signal<PlayerStatus>("idle");
  readonly #start: () => Promise<Asked<T>> | null;
  readonly #isLast: (moment: T) => boolean;
  #asked: Asked<T> | undefined;
  /** Counts resets; a moment that was asked for before the last one is dropped. */
  #load = 0;

  /** `start` begins the computation; null while something is missing. */
  constructor(start: () => Promise<Asked<T>> | null, isLast: (moment: T) => boolean) {
    this.#start = start;
    this.#isLast = isLast;
  }

  get moments(): ReadonlySignal<readonly T[]> {
    return this.#moments;
  }

  get status(): ReadonlySignal<PlayerStatus> {
    return this.#status;
  }

  /** Drops what was computed. */
  reset(): void {
    this.#load++;
    void this.#asked?.stop();
    this.#asked = undefined;
    this.#moments.value = [];
    this.#status.value = "idle";
  }

  pause(): void {
    if (this.#status.value === "playing") this.#status.value = "paused";
  }

  /** Asks until the last moment, or until `pause`. Starts again after the end. */
  async play(): Promise<void> {
    if (this.#status.value === "playing") return;
    if (this.#status.value === "done") this.reset();
    const load = this.#load;
    this.#status.value = "playing";
    if (this.#asked === undefined) {
      const started = await this.#start();
      if (load !== this.#load) return;
      if (started === null) {
        this.#status.value = "idle";
        return;
      }
      this.#asked = started;
    }
    while (load === this.#load && this.#isPlaying()) await this.#ask(this.#asked, load);
  }

  async #ask(asked: Asked<T>, load: number): Promise<void> {
    const answer = await asked.next();
    if (load !== this.#load) return;
    if ("problem" in answer) {
      problem.value = answer.problem;
      this.#asked = undefined;
      this.#status.value = "idle";
      return;
    }
    this.#moments.value = [...this.#moments.value, answer.value];
    if (this.#isLast(answer.value)) {
      this.#asked = undefined;
      this.#status.value = "done";
    }
  }

  #isPlaying(): boolean {
    return this.#status.value === "playing";
  }
}
