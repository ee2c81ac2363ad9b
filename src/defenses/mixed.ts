import type { BoundedAttack, Labels, Victim } from "../attacks/victim.ts";
import { ce } from "../losses/plain.ts";
import { fold, foldAll, type Key } from "../math/random.ts";
import { mean } from "../math/statistics.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { perturbInLockstep } from "./lockstep.ts";
import type { Objective } from "./objective.ts";

/** Who chooses among the attacks: each example, as Eq. (12) and (13) say, or the batch, as the authors' code does. */
export type Choice = "example" | "batch";

const named = (kind: string, choice: Choice) =>
  choice === "example" ? `mat-${kind}` : `mat-${kind} per batch`;

/** For each example the candidate of highest loss, the first on a tie; the same noise judges every candidate. */
async function mostDamaging(
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

/** MAT-Max (§4.1, Eq. 13): every attack is tried, the candidate of highest loss is kept; the same noise judges all. */
export function mixedMax(attacks: readonly BoundedAttack[], choice: Choice = "example"): Objective {
  return {
    name: named("max", choice),
    async examples(model, x, labels, keys) {
      const candidates: Tensor[] = [];
      for (const [i, attack] of attacks.entries())
        candidates.push(await attack.perturb(model, x, labels, foldAll(keys, 1 + i)));
      const judging = foldAll(keys, 0);
      if (choice === "example") return mostDamaging(model, candidates, labels, judging);
      let worst = { loss: Number.NEGATIVE_INFINITY, candidate: x };
      for (const candidate of candidates) {
        const { losses } = await model.lossAndGradient(candidate, ce(labels), judging);
        const loss = mean([...losses]);
        if (loss > worst.loss) worst = { loss, candidate };
      }
      return worst.candidate;
    },
  };
}

/** MAT-Rand (§4.1, Eq. 12): the attack is drawn uniformly; a batch that draws one uses its first example's key. */
export function mixedRandom(
  attacks: readonly BoundedAttack[],
  choice: Choice = "example",
): Objective {
  return {
    name: named("rand", choice),
    examples(model, x, labels, keys) {
      const drawn = keys.map((key) => fold(key, 0)[0] % attacks.length);
      const chosen = choice === "example" ? drawn : drawn.map(() => drawn[0]);
      return perturbInLockstep(attacks, chosen, model, x, labels, foldAll(keys, 1));
    },
  };
}
