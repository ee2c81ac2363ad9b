import { linear, lossOfLogits, takeLoss } from "../attacks/losses.ts";
import type { Loss, LossAndGradient, Victim } from "../attacks/victim.ts";
import type { Key } from "../math/random.ts";
import { type Tensor, takeRows, tensor } from "../math/tensor.ts";
import { batches, type Drawn, mean } from "./eot-draws.ts";
import { meanProbability } from "./mean-probability.ts";

/**
 * What an attack on a randomised victim maximises: the mean of the draws' losses, the loss of their mean logits, or
 * −log of the label's mean probability (for cross-entropy alone; any other loss is an internal error).
 */
export type EotObjective = "mean-loss" | "mean-logits" | "mean-probability";

/**
 * Expectation over transformation (Athalye et al. 2018, arXiv:1707.07397) of a randomised victim over `draws` draws, as
 * a victim without noise. Draw r of an example has the key fold(key, r), and draws are summed in that order, whatever
 * the batch. At most `maxBatch` rows meet the victim at once, so memory does not grow with `draws`.
 */
export function withEot(
  model: Victim,
  draws: number,
  maxBatch = 256,
  objective: EotObjective = "mean-loss",
): Victim {
  if (!Number.isInteger(draws) || draws < 1)
    throw new Error(`EOT needs a positive number of draws, got ${draws}`);
  const drawn = { model, draws, maxBatch };
  if (objective === "mean-probability") return meanProbability(drawn);
  return {
    logits: (x, keys) => meanLogits(drawn, x, keys),
    lossAndGradient: (x, loss, keys) =>
      // A loss that is linear in the logits has the same mean either way.
      objective === "mean-loss" || loss.kind === "linear" || loss.kind === "difference"
        ? meanLoss(drawn, x, loss, keys)
        : lossOfMeanLogits(drawn, x, loss, keys),
  };
}

async function meanLogits(drawn: Drawn, x: Tensor, keys: readonly Key[]): Promise<Tensor> {
  const sum = mean(keys.length, drawn.draws);
  for (const { indices, own } of batches(keys, drawn))
    sum.add(await drawn.model.logits(takeRows(x, indices), own), indices);
  return sum.result();
}

async function meanLoss(
  drawn: Drawn,
  x: Tensor,
  loss: Loss,
  keys: readonly Key[],
): Promise<LossAndGradient> {
  const [losses, logits, gradient] = [0, 1, 2].map(() => mean(keys.length, drawn.draws));
  for (const { indices, own } of batches(keys, drawn)) {
    const taken = takeLoss(loss, indices);
    const part = await drawn.model.lossAndGradient(takeRows(x, indices), taken, own);
    losses.add(tensor([indices.length], part.losses), indices);
    logits.add(part.logits, indices);
    gradient.add(part.gradient, indices);
  }
  return { losses: losses.result().data, logits: logits.result(), gradient: gradient.result() };
}

/** L(z̄) with z̄ = (1/K) Σᵣ zᵣ: ∂L/∂x = (1/K) Σᵣ ⟨∂L/∂z̄, ∂zᵣ/∂x⟩, and z̄ is needed before the second factor. */
async function lossOfMeanLogits(
  drawn: Drawn,
  x: Tensor,
  loss: Loss,
  keys: readonly Key[],
): Promise<LossAndGradient> {
  const logits = await meanLogits(drawn, x, keys);
  const { losses, gradient: weights } = lossOfLogits(loss, logits);
  // The same keys: the gradient is that of the draws whose logits were averaged.
  const { gradient } = await meanLoss(drawn, x, linear(weights), keys);
  return { losses, logits, gradient };
}

/**
 * The same victim with one key per example for good, whatever keys a call brings: a randomised victim then shows an
 * attack the same draws at every step. Every call must bring the whole batch, in its order.
 */
export function withFixedKeys(model: Victim, fixed: readonly Key[]): Victim {
  const checked = (keys: readonly Key[]) => {
    if (keys.length !== fixed.length)
      throw new Error(
        `internal: the keys of ${fixed.length} examples are fixed, but a call brings ${keys.length}`,
      );
    return fixed;
  };
  return {
    logits: async (x, keys) => model.logits(x, checked(keys)),
    lossAndGradient: async (x, loss, keys) => model.lossAndGradient(x, loss, checked(keys)),
  };
}
