import type { CallHints } from "../losses/call-hints.ts";
import type { Loss, LossAndGradient } from "../losses/loss.ts";
import type { Key } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";

/** A network with weights, ready to run on batches of any size; attacks take it as their victim. */
export interface Classifier {
  readonly architecture: Architecture;
  /**
   * Images [batch, channel, height, width] in [0, 1] → logits [batch, classes]. A deterministic network ignores the
   * keys.
   */
  logits(x: Tensor, keys: readonly Key[], hints?: CallHints): Promise<Tensor>;
  /**
   * Losses [examples], logits [batch, classes] and ∂(Σ losses)/∂x in the shape of x, from one run. The answer may reuse
   * the arrays of `hints.reuse`, an earlier answer that nobody reads any more.
   */
  lossAndGradient(
    x: Tensor,
    loss: Loss,
    keys: readonly Key[],
    hints?: CallHints,
  ): Promise<LossAndGradient>;
  /** Frees the compiled programs. */
  release(): Promise<void>;
}
