// Finds and replaces numbers in a victim's answers that are not finite.

import { MAX_LOGIT } from "../losses/logit-bounds.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import { allFinite } from "./preconditions.ts";
import type { LossAndGradient } from "./victim.ts";

/** The rows of an array [batch, ...] with a number that is not finite. */
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
 * An answer without infinities and NaN in its gradient [batch, ...pixels] and losses [examples]. An entry of the gradient
 * becomes 0, so that an attack does not move that pixel. All losses are clipped to ±1.5e38; NaN becomes −1.5e38, the least
 * damaging. Logits stay. Returns `answer` itself, with unclipped losses, if all its losses and slopes are finite.
 */
export function withFiniteValues(answer: LossAndGradient): LossAndGradient {
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
