// Values that all parts of the lab exchange.

/** The norms that the lab shows. */
export type Norm = "linf" | "l2" | "l1";

/** Sizes of a perturbation, pixels in [0, 1]. */
export interface Sizes {
  readonly linf: number;
  readonly l2: number;
  readonly l1: number;
}

/** A model's prediction for an image. */
export interface Prediction {
  /** Mean over the draws of a randomised model. */
  readonly probabilities: readonly number[];
  /** Mean over the draws of a randomised model. */
  readonly logits: readonly number[];
  /** Class with the highest probability. */
  readonly prediction: number;
  /** Probabilities of each draw; a single row for a deterministic model. */
  readonly draws: readonly (readonly number[])[];
}

/**
 * The first message of the page, before any call: starts WebAssembly with this many threads; 0 means one per core, up
 * to four.
 */
export interface BeginMessage {
  readonly beginWithThreads: number;
}
