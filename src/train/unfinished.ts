import { UsageError } from "../math/usage-error.ts";
import type { TrainState } from "../models/opening/checkpoint.ts";

/** The time that a training may take. */
export interface TimeLimit {
  isOver(): boolean;
  /** What it means that it is over, as a clause. */
  readonly text: string;
  /** What to do then. */
  readonly next: string;
}

/** A training that ends before all of its work is done: its loss, gradients or weights are not finite, or its time is over. */
export class UnfinishedTraining extends UsageError {
  readonly reason: "diverged" | "time";
  readonly finding: string;
  readonly #next: string;

  /** `left` is what the run is left with. */
  constructor(
    reason: "diverged" | "time",
    {
      finding,
      left,
      next,
    }: { readonly finding: string; readonly left: string; readonly next: string },
  ) {
    super(`${finding}; ${left}`, { code: reason === "time" ? "out-of-time" : reason, next });
    this.reason = reason;
    this.finding = finding;
    this.#next = next;
  }

  /** The same about a run whose model is its best checkpoint. */
  withModel(path: string): UnfinishedTraining {
    const left = `the model is the best checkpoint before that, ${path}`;
    return new UnfinishedTraining(this.reason, { finding: this.finding, left, next: this.#next });
  }
}

/** One sum per array: it is finite only if all elements are. */
export const areWeightsFinite = ({ parameters }: TrainState): boolean =>
  Object.values(parameters).every(({ data }) => Number.isFinite(data.reduce((a, b) => a + b, 0)));
