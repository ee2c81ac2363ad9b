import { distancesOf } from "../attacks/exact-projection.ts";
import { withNext } from "../attacks/prefetch.ts";
import type { AttackNorm, Victim } from "../attacks/victim.ts";
import { defined } from "../math/defined.ts";
import { fold, type Key } from "../math/random.ts";
import { type Tensor, takeRows, tensor } from "../math/tensor.ts";
import type { Rule } from "./rule.ts";

/** The number of queries to a classifier per image. */
export interface Scoring {
  readonly rule: Rule;
  /** Noise draws per example, R; a multiple of the rule's. 1 for a deterministic classifier. */
  readonly draws: number;
  /** The largest batch of the network; memory does not grow with the draws. */
  readonly batch: number;
}

/**
 * The classes that the rule decides for each example of x, from fresh draws: draw r of an example has the
 * key fold(key, r), whatever the batch. One list of draws / rule.draws classes per example.
 */
export async function decisions(
  victim: Victim,
  x: Tensor,
  keys: readonly Key[],
  { rule, draws, batch }: Scoring,
): Promise<number[][]> {
  const total = keys.length * draws;
  function* batches() {
    for (let from = 0; from < total; from += batch) {
      const indices = Array.from({ length: Math.min(batch, total - from) }, (_, i) => from + i);
      const examples = indices.map((i) => Math.floor(i / draws));
      yield { examples, keys: indices.map((i, j) => fold(keys[examples[j]], i % draws)) };
    }
  }
  const logits: Tensor[] = [];
  for (const { batch: part, hints } of withNext(batches(), x.shape))
    logits.push(await victim.logits(takeRows(x, part.examples), part.keys, hints));
  const classes = logits[0]?.shape[1] ?? 0;
  const all = new Float32Array(total * classes);
  logits.forEach((part, i) => {
    all.set(part.data, i * batch * classes);
  });
  const perDecision = rule.draws * classes;
  const count = draws / rule.draws;
  return keys.map((_, example) =>
    Array.from({ length: count }, (_, i) => {
      const start = (example * count + i) * perDecision;
      return rule.decide(tensor([rule.draws, classes], all.subarray(start, start + perDecision)));
    }),
  );
}

/** The share of decisions that equal the label; NaN without decisions. */
export const shareOf = (decided: readonly number[], label: number): number =>
  decided.filter((decision) => decision === label).length / decided.length;

/** The decisions that select the strongest attack on an example; for a deterministic model, its only decision. */
export const choosingHalf = (all: readonly number[]) => all.slice(0, Math.ceil(all.length / 2));

/** The other decisions, which score the attack. */
export const scoringHalf = (all: readonly number[]) =>
  all.length === 1 ? all : all.slice(Math.ceil(all.length / 2));

/** Norms of each example's perturbation in double precision, pixels in [0, 1]; ℓ0 only for attacks in ℓ0. */
export function lengths(adversarial: Tensor, x: Tensor, norm: AttackNorm | null) {
  const [l2, l1] = [distancesOf(adversarial, x, "l2"), distancesOf(adversarial, x, "l1")];
  const l0 = norm === "l0" ? distancesOf(adversarial, x, "l0") : [];
  return distancesOf(adversarial, x, "linf").map((linf, i) =>
    defined({ linf, l2: l2[i], l1: l1[i], l0: l0.at(i) }),
  );
}

/** Pixels rounded to 8 bits per channel, as an image file stores them. */
export const rounded = ({ shape, data }: Tensor): Tensor =>
  tensor(
    shape,
    data.map((v) => Math.round(v * 255) / 255),
  );
