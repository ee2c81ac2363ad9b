import { ce } from "../attacks/losses.ts";
import { mostDamaging } from "../attacks/pgd.ts";
import type { BoundedAttack } from "../attacks/victim.ts";
import { fold, foldAll } from "../math/random.ts";
import { mean } from "../math/statistics.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Objective } from "./objective.ts";
import { perturbTogether } from "./together.ts";

/** Who chooses among the attacks: each example, as Eq. (12) and (13) say, or the batch, as the authors' code does. */
export type Choice = "example" | "batch";

const named = (kind: string, choice: Choice) =>
  choice === "example" ? `mat-${kind}` : `mat-${kind} per batch`;

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
      return perturbTogether(attacks, chosen, model, x, labels, foldAll(keys, 1));
    },
  };
}
