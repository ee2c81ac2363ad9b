import { UsageError } from "../math/usage-error.ts";
import type { TrainState } from "../models/opening/checkpoint.ts";

/** A training whose loss, gradients or weights are not finite. */
export class Divergence extends UsageError {
  readonly finding: string;
  readonly #rate: number;

  /** `left` is what the run is left with. */
  constructor(finding: string, left: string, rate: number) {
    super(`${finding}; ${left}`, {
      code: "diverged",
      next: `start again with a lower rate than --rate ${rate}`,
    });
    this.finding = finding;
    this.#rate = rate;
  }

  /** The same about a run whose model is its best checkpoint. */
  withModel(path: string): Divergence {
    const left = `the model is the best checkpoint before that, ${path}`;
    return new Divergence(this.finding, left, this.#rate);
  }
}

/** One sum per array: it is finite only if all elements are. */
export const areWeightsFinite = ({ parameters }: TrainState): boolean =>
  Object.values(parameters).every(({ data }) => Number.isFinite(data.reduce((a, b) => a + b, 0)));
