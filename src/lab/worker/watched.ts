// A computation that is watched: it stops at each value that it shows, until the watcher asks for the next one.

/** A value that a computation shows, or at the end its result. */
export interface Shown<T> {
  readonly value: T;
  readonly done: boolean;
}

/** Thrown inside a computation that is stopped. */
class Stopped extends Error {
  override readonly name = "AbortError";
}

const stopped = () => new Stopped("the computation was stopped");

/** Runs a computation step by step. It begins with the first call of `next`. */
export class Watched<T> {
  #proceed: (() => void) | undefined;
  #stop: ((reason: Error) => void) | undefined;
  #arrived: ((shown: Shown<T>) => void) | undefined;
  #failed: ((error: unknown) => void) | undefined;
  #running: Promise<T> | undefined;
  #isStopped = false;
  #isHurried = false;
  readonly #run: (show: (value: T) => Promise<void>) => Promise<T>;

  /** `run` calls `show` with each value and waits for it, and returns its result. */
  constructor(run: (show: (value: T) => Promise<void>) => Promise<T>) {
    this.#run = run;
  }

  /** Waits at a value until `next`, `finish` or `stop` is called. */
  async #show(value: T): Promise<void> {
    if (this.#isStopped) throw stopped();
    if (this.#isHurried) return;
    this.#arrived?.({ value, done: false });
    await new Promise<void>((resolve, reject) => {
      this.#proceed = resolve;
      this.#stop = reject;
    });
  }

  /** The next value, or at the end the result. */
  next(): Promise<Shown<T>> {
    if (this.#isStopped) return Promise.reject(stopped());
    return new Promise<Shown<T>>((resolve, reject) => {
      this.#arrived = resolve;
      this.#failed = reject;
      if (this.#running !== undefined) {
        this.#proceed?.();
        return;
      }
      this.#running = this.#run((value) => this.#show(value));
      this.#running
        .then((value) => this.#arrived?.({ value, done: true }))
        .catch((error: unknown) => this.#failed?.(error));
    });
  }

  /** Shows nothing any more, and returns the result. */
  finish(): Promise<Shown<T>> {
    this.#isHurried = true;
    return this.next();
  }

  /** Ends the computation; a pending `next` is rejected. */
  stop(): void {
    this.#isStopped = true;
    this.#stop?.(stopped());
  }
}
