import { marginsOf } from "../losses/margin.ts";
import type { Key } from "../math/random.ts";
import { fold, foldAll } from "../math/random.ts";
import { type Tensor, takeRows, tensor } from "../math/tensor.ts";
import { areWithin, projectExactly } from "./exact-projection.ts";
import { rowOf } from "./examples.ts";
import { passesOf, sumOfPasses } from "./passes.ts";
import { checkInputs, checkLabels } from "./preconditions.ts";
import type { Attack, AttackNorm, BoundedAttack, Labels, Victim } from "./victim.ts";

/** The attacks of an ensemble in one ball. */
export interface EnsembleOptions {
  readonly name: string;
  readonly norm: AttackNorm;
  /** The radius in the norm, for pixels in [0, 1]. */
  readonly epsilon: number;
  /** Run in this order. The result of a minimum-norm attack counts if its distance is at most epsilon, in the norm. */
  readonly members: readonly Attack[];
  /** Whether later members get the survivors only. */
  readonly stopWhenBroken: boolean;
  /** Resolved options, for the record. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The member's result [batch, ...pixels] in the ball; x where a minimum-norm attack ended outside the ball. */
async function perturbWithin(
  member: Attack,
  epsilon: number,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Tensor> {
  if (member.epsilon !== null)
    return projectExactly(await member.perturb(victim, x, labels, keys), x, member.norm, epsilon);
  const { adversarial } = await member.minimize(victim, x, labels, keys);
  const out = tensor(x.shape, x.data.slice());
  for (const [i, within] of areWithin(adversarial, x, member.norm, epsilon).entries())
    if (within) rowOf(out, i).set(rowOf(adversarial, i));
  return projectExactly(out, x, member.norm, epsilon);
}

/**
 * Runs the members in order, as AutoAttack does (Croce & Hein 2020, arXiv:2003.01690, §6), and keeps for each example of
 * x [batch, ...pixels] the candidate of largest margin, x included, all judged under the same key. Reports the member that broke
 * an example, `clean` if x itself is misclassified, and nothing for a survivor.
 */
export function ensemble(options: EnsembleOptions): BoundedAttack {
  const { name, norm, epsilon, members, stopWhenBroken } = options;
  return {
    name,
    norm,
    epsilon,
    options: options.options,
    asks: "losses",
    passes: sumOfPasses(members.map(passesOf)),
    async perturb(victim, x, labels, keys, onBroken) {
      checkInputs(x, labels, keys);
      const adversarial = tensor(x.shape, x.data.slice());
      const judgeKeys = foldAll(keys, 0);
      const clean = await victim.logits(x, judgeKeys);
      checkLabels(labels, clean);
      const best = [...marginsOf(clean, labels)];
      for (const [i, margin] of best.entries()) if (margin > 0) onBroken?.(i, "clean");
      for (const [number, member] of members.entries()) {
        const survivors = labels.map((_, i) => i).filter((i) => !(stopWhenBroken && best[i] > 0));
        if (survivors.length === 0) break;
        const survivorLabels = survivors.map((i) => labels[i]);
        const reached = await perturbWithin(
          member,
          epsilon,
          victim,
          takeRows(x, survivors),
          survivorLabels,
          survivors.map((i) => fold(keys[i], number + 1)),
        );
        const judged = await victim.logits(
          reached,
          survivors.map((i) => judgeKeys[i]),
        );
        for (const [at, margin] of marginsOf(judged, survivorLabels).entries()) {
          const i = survivors[at];
          if (!(margin > best[i])) continue;
          best[i] = margin;
          rowOf(adversarial, i).set(rowOf(reached, at));
          if (margin > 0) onBroken?.(i, member.name);
        }
      }
      return adversarial;
    },
  };
}
