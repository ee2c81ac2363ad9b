// The streams of random numbers of an evaluation. They are disjoint, so no attack sees the draws that score it.
import { fold, foldAll, type Key, keyOf, keysFor, nameToNumber, owned } from "../math/random.ts";

/** The attack itself. */
export const ATTACK = 0;
/** Decisions on clean images. */
export const SCORE_CLEAN = 1;
/** Decisions on adversarial examples. */
export const SCORE_ADVERSARIAL = 2;
/** The choice among candidates. */
export const CHOOSE = 3;
/** The single noisy draw of the published protocol. */
export const ONE_DRAW = 4;
/** Gradients at clean images. */
export const CLEAN_GRADIENT = 5;

/** One key per example, [indices], from the seed, the index in the test split and `purpose`; each key states its index. */
export function streamOf(seed: number, purpose: string, indices: readonly number[]): Key[] {
  const keys = keysFor(fold(keyOf(seed), nameToNumber("evaluate")), indices);
  return foldAll(owned(keys, indices), nameToNumber(purpose));
}
