// Answers of a victim in which an attack finds no number that is not finite.

import { MAX_LOGIT } from "../losses/logit-bounds.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import { allFinite } from "./preconditions.ts";
import type { LossAndGradient } from "./victim.ts";

/** The rows [batch, ...] that hold a number which is not finite. */
export function rowsNotFinite({ shape, data }: Tensor): number[] {
  if (allFinite(data)) return [];
  const size = data.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) => i).filter(
    (i) => !allFinite(data.subarray(i * size, (i + 1) * size)),
  );
}

/** The rows of logits [batch, classes] in which one is NaN. A class at −∞ is ruled out, which is no fault. */
export function rowsWithNaN({ shape, data }: Tensor): number[] {
  if (allFinite(data)) return [];
  const size = data.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) => i).filter((i) =>
    data.subarray(i * size, (i + 1) * size).some(Number.isNaN),
  );
}

/**
 * The answer with 0 in the place of each slope that is not finite, so that an attack stands still along that pixel, and with
 * losses of at most ±1.5e38. The same object where all is finite.
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
