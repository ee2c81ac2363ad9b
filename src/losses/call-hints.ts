import type { Key } from "../math/random.ts";
import type { Shape } from "../math/tensor.ts";
import type { LossAndGradient } from "./loss.ts";

/** A call to come: its keys [batch], and the shape [batch, ...pixels] of its images. */
export interface NextCall {
  readonly keys: readonly Key[];
  readonly shape: Shape;
}

/**
 * What the caller of a victim knows beyond the call itself. Hints make calls faster and never change an answer, so a victim
 * may ignore them. A wrapper passes on the whole object, including hints it does not know; a wrapper that changes keys or
 * splits a call replaces the hints that no longer hold.
 */
export interface CallHints {
  /** The caller's next call. A randomised victim draws its noise in the background while the network computes this one. */
  readonly next?: NextCall | undefined;
  /** An earlier answer that nobody reads any more. Its arrays may be overwritten with the new answer. */
  readonly reuse?: LossAndGradient | undefined;
  /** The images are clean ones. A deterministic victim may give the answer of an earlier call about them. */
  readonly clean?: boolean | undefined;
}
