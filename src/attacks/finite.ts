// Finds and replaces numbers in a victim's answers that are not finite.

import { MAX_LOGIT } from "../losses/logit-bounds.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import { allFinite } from "./preconditions.ts";
import type { LossAndGradient } from "./victim.ts";

/** The rows of an array [batch, ...] that hold a number which is not finite. */
export function rowsNotFinite({ shape, data }: Tensor): number[] {
  if (allFinite(data)) return [];
  const size = data.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) => i).filter(
    (i) => !allFinite(data.subarray(i * size, (i + 1) * size)),
  );
}

/** The rows of logits [batch, classes] that hold a NaN. A logit of −∞ rules its class out and is valid. */
export function rowsWithNaN({ shape, data }: Tensor): number[] {
  if (allFinite(data)) return [];
  const size = data.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) => i).filter((i) =>
    data.subarray(i * size, (i + 1) * size).some(Number.isNaN),
  );
}

/**
 * Replaces each entry of the gradient [batch, ...pixels] that is not finite by 0, so that an attack does not move that pixel.
 * Losses [examples] are then clipped to ±1.5e38; a loss of NaN becomes −1.5e38, the least damaging. Logits are not changed.
 * Returns the same object if losses and gradient are finite.
 */
export function withFiniteGradient(answer: LossAndGradient): LossAndGradient {
  const { losses, logits, gradient } = answer;
  if (allFinite(gradient.data) && allFinite(losses)) return answer;
  return {
    logits,
    losses: losses.map((loss) =>
      Number.isNaN(loss) ? -MAX_LOGIT : Math.min(Math.max(loss, -MAX_LOGIT), MAX_LOGIT),
    ),
    gradient: tensor(
      gradient.shape,
      gradient.data.map((slope) => (Number.isFinite(slope) ? slope : 0)),
    ),
  };
}
