import { marginsOf } from "../losses/margin.ts";
import type { Key } from "../math/random.ts";
import { fold, foldAll } from "../math/random.ts";
import { type Tensor, takeRows, tensor } from "../math/tensor.ts";
import { rowOf } from "./examples.ts";
import { distancesOf, insideBall } from "./inside-ball.ts";
import { checkInputs, checkLabels } from "./preconditions.ts";
import type { Attack, BoundedAttack, Labels, Norm, Victim } from "./victim.ts";

/** What an ensemble is made of. */
export interface Members {
  readonly name: string;
  readonly norm: Norm;
  readonly epsilon: number;
  /** In their order. A minimum-norm attack counts where its distance is within epsilon. */
  readonly members: readonly Attack[];
  /** Whether an example that one of them broke is spared the others. */
  readonly stopWhenBroken: boolean;
  /** For the record. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** How far a minimum-norm result may be outside by rounding and still count, once it is brought inside. */
const ROUNDING = 1e-6;

/** What the member leaves in the ball; x where a minimum-norm attack went farther. */
async function within(
  member: Attack,
  epsilon: number,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Tensor> {
  if (member.epsilon !== null)
    return insideBall(await member.perturb(victim, x, labels, keys), x, member.norm, epsilon);
  const { adversarial } = await member.minimize(victim, x, labels, keys);
  const out = tensor(x.shape, x.data.slice());
  for (const [i, length] of distancesOf(adversarial, x, member.norm).entries())
    if (length <= epsilon + ROUNDING) rowOf(out, i).set(rowOf(adversarial, i));
  return insideBall(out, x, member.norm, epsilon);
}

/**
 * Attacks in turn. For each example the candidate of largest margin is kept, x among them, all under the same key; the
 * example is said to be the work of that member, `clean` if x is misclassified itself, and nobody's if none of them is.
 */
export function ensemble({ members, stopWhenBroken, ...record }: Members): BoundedAttack {
  const { epsilon } = record;
  return {
    ...record,
    asks: "losses",
    async perturb(victim, x, labels, keys, told) {
      checkInputs(x, labels, keys);
      const adversarial = tensor(x.shape, x.data.slice());
      const judge = foldAll(keys, 0);
      const clean = await victim.logits(x, judge);
      checkLabels(labels, clean);
      const best = [...marginsOf(clean, labels)];
      for (const [i, margin] of best.entries()) if (margin > 0) told?.(i, "clean");
      for (const [number, member] of members.entries()) {
        const standing = labels.map((_, i) => i).filter((i) => !(stopWhenBroken && best[i] > 0));
        if (standing.length === 0) break;
        const own = standing.map((i) => labels[i]);
        const reached = await within(
          ...([member, epsilon, victim, takeRows(x, standing), own] as const),
          standing.map((i) => fold(keys[i], number + 1)),
        );
        const judged = await victim.logits(
          reached,
          standing.map((i) => judge[i]),
        );
        for (const [at, margin] of marginsOf(judged, own).entries()) {
          const i = standing[at];
          if (!(margin > best[i])) continue;
          best[i] = margin;
          rowOf(adversarial, i).set(rowOf(reached, at));
          if (margin > 0) told?.(i, member.name);
        }
      }
      return adversarial;
    },
  };
}
