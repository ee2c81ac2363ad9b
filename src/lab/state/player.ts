// Plays an attack: asks the worker for frame after frame.
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Remote } from "comlink";
import type { AttackSettings, Frame, Picture } from "../protocol.ts";
import type { AttackRun } from "../worker/attack-run.ts";
import { lab, problem } from "./worker.ts";

export type PlayerStatus = "idle" | "playing" | "paused" | "done";

/** A frame without its pixels. */
export type Moment = Omit<Frame, "pixels">;

/** Milliseconds between two frames. */
export const pace: Signal<number> = signal(110);

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** An attack on one image, with buttons. */
export class Player {
  readonly #frame = signal<Frame | null>(null);
  readonly #history = signal<readonly Moment[]>([]);
  readonly #status = signal<PlayerStatus>("idle");
  #run: Remote<AttackRun> | undefined;
  #settings: { readonly attack: AttackSettings; readonly picture: Picture } | undefined;
  /** Counts loads; a frame that was asked for before the last one is dropped. */
  #load = 0;
  #isAsking = false;

  /** The latest frame; null before the first. */
  get frame(): ReadonlySignal<Frame | null> {
    return this.#frame;
  }

  /** All frames so far, without their pixels. */
  get history(): ReadonlySignal<readonly Moment[]> {
    return this.#history;
  }

  get status(): ReadonlySignal<PlayerStatus> {
    return this.#status;
  }

  /** Takes an attack and an image, and drops what was there. */
  load(attack: AttackSettings, picture: Picture): void {
    this.#forget();
    this.#settings = { attack, picture };
  }

  #forget(): void {
    this.#load++;
    void this.#run?.stop();
    this.#run = undefined;
    this.#isAsking = false;
    this.#frame.value = null;
    this.#history.value = [];
    this.#status.value = "idle";
  }

  /** The running attack of this load; undefined if another one was loaded meanwhile. */
  async #started(): Promise<Remote<AttackRun> | undefined> {
    if (this.#run !== undefined || this.#settings === undefined) return this.#run;
    const load = this.#load;
    const run = await lab.attack(this.#settings.attack, this.#settings.picture);
    if (load !== this.#load) return undefined;
    // Comlink hands out the worker's object itself.
    this.#run = run as unknown as Remote<AttackRun>;
    return this.#run;
  }

  async #ask(whole = false): Promise<void> {
    if (this.#isAsking) return;
    const load = this.#load;
    this.#isAsking = true;
    const run = await this.#started();
    const answer = await (whole ? run?.finish() : run?.next());
    if (load !== this.#load) return;
    this.#isAsking = false;
    if (answer === undefined || "problem" in answer) {
      if (answer !== undefined) problem.value = answer.problem;
      this.#status.value = "done";
      return;
    }
    const { pixels: _, ...moment } = answer.value;
    this.#history.value = [...this.#history.value, moment];
    this.#frame.value = answer.value;
    if (answer.value.done) this.#status.value = "done";
  }

  /** One frame. */
  async step(): Promise<void> {
    if (this.#status.value === "done") return;
    this.#status.value = "paused";
    await this.#ask();
  }

  /** Straight to the result. */
  async finish(): Promise<void> {
    if (this.#status.value === "done") return;
    this.#status.value = "paused";
    while (this.#isAsking) await pause(0);
    await this.#ask(true);
  }

  /** Frames until the end, or until `pause`. Starts again after the end. */
  async play(): Promise<void> {
    if (this.#status.value === "playing") return;
    if (this.#status.value === "done" && this.#settings !== undefined)
      this.load(this.#settings.attack, this.#settings.picture);
    const load = this.#load;
    this.#status.value = "playing";
    problem.value = null;
    while (load === this.#load && this.#isPlaying()) {
      await this.#ask();
      await pause(pace.value);
    }
  }

  #isPlaying(): boolean {
    return this.#status.value === "playing";
  }

  pause(): void {
    if (this.#status.value === "playing") this.#status.value = "paused";
  }

  /** To the clean image. */
  reset(): void {
    if (this.#settings !== undefined) this.load(this.#settings.attack, this.#settings.picture);
  }
}
