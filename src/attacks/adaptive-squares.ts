// The first random searches for an image in the adaptive attack.
import { fold, type Key } from "../math/random.ts";
import type { Shape } from "../math/tensor.ts";
import { SQUARE_STARTS } from "./adaptive-rounds.ts";
import type { Example, Span } from "./apgd-ascent.ts";
import type { RandomSearch } from "./random-search.ts";
import { type SquareSettings, searchSquares } from "./square.ts";
import type { Victim } from "./victim.ts";

/** An example, and its margin at the clean image, in logits. */
interface Searched extends Example {
  readonly cleanMargin: number;
}

/** A random search for an example. */
export interface SearchOf<Of extends Searched> extends RandomSearch {
  readonly example: Of;
}

/** The first queries of random searches, for images of this shape [any, ...pixels]. */
interface Beginning {
  readonly settings: SquareSettings;
  readonly shape: Shape;
  readonly span: Span;
  readonly isOver: (() => boolean) | undefined;
}

/** A random search that begins at the clean image. */
const searchFrom = <Of extends Searched>(example: Of, key: Key): SearchOf<Of> => ({
  example,
  x: example.x,
  label: example.label,
  key,
  best: example.x.slice(),
  margin: example.cleanMargin,
});

/** Whether the example survives, and the search came at least as close as the ascents, or the ascents had no effect. */
const isWorthAnother = ({ example, margin }: SearchOf<Searched>): boolean =>
  !(margin > 0) && (margin >= example.margin || example.margin === example.cleanMargin);

/**
 * Begins a random search for each example, and `SQUARE_STARTS` searches where ascents did not beat the first one. Returns,
 * for each example, the search that came closest to breaking it. `stream` is the random stream of the searches.
 */
export async function beginSquares<Of extends Searched>(
  victim: Victim,
  examples: readonly Of[],
  stream: number,
  { settings, shape, span, isOver }: Beginning,
): Promise<readonly SearchOf<Of>[]> {
  let best = examples.map((example) => searchFrom(example, fold(example.key, stream)));
  await searchSquares(victim, best, shape, settings, span, isOver);
  for (let start = 1; start < SQUARE_STARTS; start++) {
    // Queries of a search are numbered from 1, so keys of negative numbers are unused.
    const again = best.map((one) =>
      isWorthAnother(one)
        ? searchFrom(one.example, fold(fold(one.example.key, stream), -start))
        : null,
    );
    const begun = again.filter((one) => one !== null);
    await searchSquares(victim, begun, shape, settings, span, isOver);
    best = best.map((one, i) => {
      const other = again[i];
      return other !== null && other.margin > one.margin ? other : one;
    });
  }
  return best;
}
