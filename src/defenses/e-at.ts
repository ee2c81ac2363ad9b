import type { BoundedAttack } from "../attacks/victim.ts";
import { uniform } from "../math/distributions.ts";
import { foldAll } from "../math/random.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import { defineDefense } from "./define-defense.ts";
import { sameNames } from "./inner-ascent.ts";
import type { LossObjective } from "./objective.ts";
import { attacksInNorms, normsOf, SeveralNorms } from "./several-norms.ts";

/** The weight of the newest batch in the running robust error of its norm. */
const NEWEST = 0.1;

/**
 * Index of the norm to train on: in proportion to the errors [norms], for u uniform in (0, 1). A norm that has not been seen,
 * whose error is negative, comes before all others.
 */
export function drawnNorm(errors: ArrayLike<number>, u: number): number {
  const all = Array.from(errors);
  const unseen = all.findIndex((error) => error < 0);
  if (unseen >= 0) return unseen;
  const total = all.reduce((sum, error) => sum + error, 0);
  // Without any error left, all norms are equally likely.
  const shares = total > 0 ? all.map((error) => error / total) : all.map(() => 1 / all.length);
  let reached = 0;
  for (const [i, share] of shares.entries()) {
    reached += share;
    if (u < reached) return i;
  }
  return shares.length - 1;
}

/** The running errors [norms] after a batch of norm `index` with this error. */
function updated(errors: Tensor, index: number, error: number): Tensor {
  const next = tensor(errors.shape, errors.data.slice());
  const before = errors.data[index];
  next.data[index] = before < 0 ? error : (1 - NEWEST) * before + NEWEST * error;
  return next;
}

/**
 * Memory starts with zeros, and an error of 0 is possible. So the memory holds error + 1, and 0 stands for a norm not seen.
 */
const OFFSET = 1;
const shifted = ({ shape, data }: Tensor, by: number): Tensor =>
  tensor(
    shape,
    data.map((v) => v + by),
  );

function extremeTraining(attacks: readonly BoundedAttack[], name: string): LossObjective {
  return {
    name,
    memory: () => ({ errors: [attacks.length] }),
    async train({ model, x, labels, keys, memory, gradients, apply }) {
      const errors = shifted(memory.errors, -OFFSET);
      const [u] = uniform(foldAll(keys.slice(0, 1), 0), [1, 1]).data;
      const index = drawnNorm(errors.data, u);
      const adversarial = await attacks[index].perturb(model, x, labels, foldAll(keys, 1));
      const step = await gradients({ x: adversarial });
      await apply(step);
      const error = 1 - step.correct / labels.length;
      return { errors: shifted(updated(errors, index, error), OFFSET) };
    },
  };
}

/**
 * E-AT (Croce & Hein 2022, arXiv:2105.12508, §4): each batch [batch, ...pixels] in [0, 1] is attacked in one norm, drawn in
 * proportion to the running robust error of each norm in training.
 */
export const eAt = defineDefense({
  name: "e-at",
  source: "Croce & Hein 2022, arXiv:2105.12508, §4",
  options: SeveralNorms,
  sharedOptions: sameNames(SeveralNorms),
  make(options) {
    const attacks = attacksInNorms(options);
    const objective = extremeTraining(attacks, `e-at ${normsOf(options).join(",")}`);
    return { objective, attacks, gradients: options.steps };
  },
});
