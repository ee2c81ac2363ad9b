// Random choices for random-search attacks.
import { unit } from "../math/distributions.ts";
import { InternalError } from "../math/internal-error.ts";

/** Random choices, one word each, in the order in which they are made. */
export interface Choices {
  sign(): 1 | -1;
  /** 0 … n − 1. */
  below(n: number): number;
}

/** The random choices that are read from `words` [choices]. Throws `InternalError` once all are read. */
export function choicesOf(words: Uint32Array): Choices {
  let at = 0;
  const next = (): number => {
    if (at === words.length) throw new InternalError(`an attack drew more than ${at} random words`);
    return words[at++];
  };
  return {
    sign: () => (next() & 1 ? 1 : -1),
    below: (n) => Math.floor(unit(next()) * n),
  };
}
