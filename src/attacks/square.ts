import { z } from "zod";
import { marginsOf } from "../losses/margin.ts";
import { fillBits, fold, type Key } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";
import type { BallOptions } from "./attack-definition.ts";
import { choicesOf } from "./choices.ts";
import { defineAttack } from "./define-attack.ts";
import { gather } from "./examples.ts";
import { type Frame, frameOf } from "./frame.ts";
import { StopWhenBroken } from "./options.ts";
import { beginSearches, type RandomSearch } from "./random-search.ts";
import { maxChoices, nextChoices, proposals } from "./square-patch.ts";
import type { Labels, Norm, Victim } from "./victim.ts";

/** Queries per image, an option that Square and AutoAttack share. */
export const SquareQueries = z
  .int()
  .positive()
  .default(5000)
  .describe("queries of Square per image");

/** Share of a channel's pixels in the first window, unless stated (p in the publication). */
export const SQUARE_SHARE = 0.8;

const SquareOptions = z.strictObject({
  queries: SquareQueries,
  share: z
    .number()
    .positive()
    .max(1)
    .default(SQUARE_SHARE)
    .describe("share of a channel's pixels in the first window; windows shrink with the queries"),
  stopWhenBroken: StopWhenBroken,
});

/** The resolved options of Square, and its ball. */
export type SquareSettings = z.output<typeof SquareOptions> & BallOptions<Norm>;

/** The queries, of 10,000, after which the window halves its number of pixels. */
const halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/** The share of a channel's pixels in the window of query number `query` (from 1) of `queries`; `first` is that of query 1. */
export function shareAt(query: number, queries: number, first: number): number {
  const at = Math.floor((query / queries) * 10_000);
  return first / 2 ** halvings.filter((halving) => at > halving).length;
}

/** The side of a square window that holds this share of a channel's pixels. */
function sideOf(share: number, { height, width }: Frame, minSide: number): number {
  const side = Math.max(Math.round(Math.sqrt(share * height * width)), minSide);
  // Windows with a minimum side have a centre, so their side is odd, unless the image is too small.
  return Math.min(minSide > 1 && side % 2 === 0 ? side + 1 : side, height, width);
}

/**
 * The Square attack (Andriushchenko et al. 2020, arXiv:1912.00049; ℓ1: Croce & Hein 2021, arXiv:2103.01208, §4): a random
 * search for a larger margin that uses only logits. Margins are positive where the example is misclassified. Such an example
 * leaves the batch, unless `stopWhenBroken` is off.
 */
export const square = defineAttack({
  name: "square",
  norms: ["linf", "l2", "l1"],
  summary: "random search with square windows; uses logits only",
  source: "Andriushchenko et al. 2020, arXiv:1912.00049; ℓ1: Croce & Hein 2021, arXiv:2103.01208",
  asks: "logits",
  options: SquareOptions,
  sharedOptions: { share: null },
  make: (options) => ({
    perturb: (victim, x, labels, keys) => perturb(options, victim, x, labels, keys),
  }),
});

async function perturb(
  { norm, epsilon, queries, share, stopWhenBroken }: SquareSettings,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Tensor> {
  const ball = { norm, epsilon, stopWhenBroken };
  const { adversarial, searches } = await beginSearches(victim, x, labels, keys, ball);
  await searchSquares(victim, searches, x.shape, { norm, epsilon, queries, share, stopWhenBroken });
  return adversarial;
}

/**
 * Queries `from` to `to` of the searches, all of them by default; `shape` is [any, ...pixels]. With `stopWhenBroken` a search
 * ends once its margin is positive; all searches end once `isOver`, called before each query, returns true. Resolves with whether
 * they ended by themselves.
 */
export async function searchSquares(
  victim: Victim,
  searches: readonly RandomSearch[],
  shape: Shape,
  { norm, epsilon, queries, share, stopWhenBroken }: SquareSettings,
  { from, to } = { from: 1, to: queries },
  isOver: () => boolean = () => false,
): Promise<boolean> {
  const { minSide, start, next } = proposals[norm];
  const frame = frameOf(shape.slice(1));
  const words = new Uint32Array(maxChoices(frame));
  let running = searches;
  for (let query = from; query <= to && running.length > 0; query++) {
    if (isOver()) return false;
    const side = sideOf(shareAt(query, queries, share), frame, minSide);
    const candidates = running.map(({ x, best, key }) => {
      const image = { x, frame, epsilon };
      const own = words.subarray(0, query === 1 ? words.length : nextChoices(frame));
      fillBits(fold(fold(key, query), 0), own);
      const choices = choicesOf(own);
      return query === 1 ? start(image, choices) : next(image, { best, side }, choices);
    });
    const reached = marginsOf(
      await victim.logits(
        gather(candidates, shape),
        running.map(({ key }) => fold(fold(key, query), 1)),
      ),
      running.map(({ label }) => label),
    );
    running.forEach((search, i) => {
      if (query > 1 && !(reached[i] > search.margin)) return;
      search.margin = reached[i];
      search.best.set(candidates[i]);
    });
    if (stopWhenBroken) running = running.filter(({ margin }) => !(margin > 0));
  }
  return true;
}
