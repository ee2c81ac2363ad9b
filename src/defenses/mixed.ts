import type { BoundedAttack, Labels, Victim } from "../attacks/victim.ts";
import { ce } from "../losses/ce.ts";
import { fold, foldAll, type Key } from "../math/random.ts";
import { mean } from "../math/statistics.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { perturbInLockstep } from "./lockstep.ts";
import type { Objective } from "./objective.ts";

/** Whether the attack is chosen per example (Eq. 12 and 13) or per batch (the authors' code). */
export type Choice = "example" | "batch";

const nameOf = (kind: string, choice: Choice) =>
  choice === "example" ? `mat-${kind}` : `mat-${kind} per batch`;

/** For each example the candidate [batch, ...pixels] of highest loss, the first one on a tie; all under the same noise. */
export async function mostDamaging(
  victim: Victim,
  candidates: readonly Tensor[],
  labels: Labels,
  keys: readonly Key[],
): Promise<Tensor> {
  const [first, ...others] = candidates;
  if (others.length === 0) return first;
  const best = tensor(first.shape, first.data.slice());
  const highest = (await victim.lossAndGradient(first, ce(labels), keys)).losses.slice();
  const row = rowSize(first);
  for (const candidate of others) {
    const { losses } = await victim.lossAndGradient(candidate, ce(labels), keys);
    losses.forEach((loss, i) => {
      if (loss <= highest[i]) return;
      highest[i] = loss;
      best.data.set(candidate.data.subarray(i * row, (i + 1) * row), i * row);
    });
  }
  return best;
}

/**
 * MAT-Max (Araujo et al. 2019, arXiv:1903.10219, §4.1, Eq. 13): trains on the candidate of highest loss among those of all attacks, each
 * [batch, ...pixels]. The same noise judges every candidate.
 */
export function mixedMax(attacks: readonly BoundedAttack[], choice: Choice = "example"): Objective {
  return {
    name: nameOf("max", choice),
    async examples(model, x, labels, keys) {
      const candidates: Tensor[] = [];
      for (const [i, attack] of attacks.entries())
        candidates.push(await attack.perturb(model, x, labels, foldAll(keys, 1 + i)));
      const judgeKeys = foldAll(keys, 0);
      if (choice === "example") return mostDamaging(model, candidates, labels, judgeKeys);
      let worst = { loss: Number.NEGATIVE_INFINITY, candidate: x };
      for (const candidate of candidates) {
        const { losses } = await model.lossAndGradient(candidate, ce(labels), judgeKeys);
        const loss = mean([...losses]);
        if (loss > worst.loss) worst = { loss, candidate };
      }
      return worst.candidate;
    },
  };
}

/**
 * MAT-Rand (Araujo et al. 2019, arXiv:1903.10219, §4.1, Eq. 12): draws the attack uniformly, per example [batch, ...pixels] or per batch,
 * where the key of the first example decides.
 */
export function mixedRandom(
  attacks: readonly BoundedAttack[],
  choice: Choice = "example",
): Objective {
  return {
    name: nameOf("rand", choice),
    examples(model, x, labels, keys) {
      const perExample = keys.map((key) => fold(key, 0)[0] % attacks.length);
      const chosen = choice === "example" ? perExample : perExample.map(() => perExample[0]);
      return perturbInLockstep(attacks, chosen, model, x, labels, foldAll(keys, 1));
    },
  };
}
