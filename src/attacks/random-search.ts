// The start of random searches for a larger margin, which use only logits.
import { marginsOf } from "../losses/margin.ts";
import { foldAll, type Key } from "../math/random.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import { rowOf } from "./examples.ts";
import { checkEpsilon, checkInputs, checkLabels } from "./preconditions.ts";
import type { AttackNorm, Labels, Victim } from "./victim.ts";

/** The search for one example; arrays are [pixels]. */
export interface RandomSearch {
  readonly x: Float32Array;
  readonly label: number;
  readonly key: Key;
  /** The point with the largest margin so far; a row of the result. */
  readonly best: Float32Array;
  margin: number;
}

/** The ball of a search, and whether the search ends once the example is misclassified. */
interface SearchedBall {
  readonly norm: AttackNorm;
  readonly epsilon: number;
  readonly stopWhenBroken: boolean;
}

/**
 * The result of random searches, which is x [batch, ...pixels] at first, and a search for each example. With `stopWhenBroken`
 * an example that is misclassified has none.
 */
export async function beginSearches(
  victim: Pick<Victim, "logits">,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
  { norm, epsilon, stopWhenBroken }: SearchedBall,
): Promise<{ readonly adversarial: Tensor; readonly searches: RandomSearch[] }> {
  checkInputs(x, labels, keys);
  checkEpsilon(norm, epsilon, x.shape.slice(1));
  const adversarial = tensor(x.shape, x.data.slice());
  const clean = await victim.logits(x, foldAll(keys, 0));
  checkLabels(labels, clean);
  const margins = marginsOf(clean, labels);
  const searches = labels
    .map(
      (label, i): RandomSearch => ({
        x: rowOf(x, i),
        label,
        key: keys[i],
        best: rowOf(adversarial, i),
        margin: margins[i],
      }),
    )
    .filter(({ margin }) => !(stopWhenBroken && margin > 0));
  return { adversarial, searches };
}
