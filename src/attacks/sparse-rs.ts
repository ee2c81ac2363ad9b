import { z } from "zod";
import { marginsOf } from "../losses/margin.ts";
import { fillBits, fold, type Key } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import type { BallOptions } from "./attack-definition.ts";
import { type Choices, choicesOf } from "./choices.ts";
import { defineAttack } from "./define-attack.ts";
import { gather } from "./examples.ts";
import { type Frame, frameOf } from "./frame.ts";
import { StopWhenBroken } from "./options.ts";
import { beginSearches, type RandomSearch } from "./random-search.ts";
import type { Labels, Victim } from "./victim.ts";

const SparseRsOptions = z.strictObject({
  queries: z.int().positive().default(5000).describe("queries of Sparse-RS per image"),
  share: z
    .number()
    .positive()
    .max(1)
    .default(0.3)
    .describe("share of the changed pixels that a query replaces; falls with the queries"),
  stopWhenBroken: StopWhenBroken,
});
type Settings = z.output<typeof SparseRsOptions> & BallOptions<"l0">;

/** Pairs of a query, of 10,000, and the number that divides the first share after it (the authors' code for ℓ0). */
const divisors: readonly (readonly [number, number])[] = [
  [8000, 20],
  [6000, 15],
  [4000, 12],
  [2000, 10],
  [1000, 8],
  [500, 6],
  [200, 5],
  [50, 4],
  [0, 2],
];

/** The number of pixels, of `changed`, that proposal number `proposal` (from 1) of `queries` replaces; at least 1. */
export function replacedAt(
  proposal: number,
  queries: number,
  { share, changed }: { readonly share: number; readonly changed: number },
): number {
  const at = Math.floor((proposal / queries) * 10_000);
  const [, divisor] = divisors.find(([after]) => at > after) ?? [0, 1];
  return Math.max(1, Math.floor((share / divisor) * changed));
}

/** The search for one example; images are [pixels]. */
interface Search extends RandomSearch {
  /** The positions that `best` changes, and the others. The order has no meaning. */
  readonly changed: Int32Array;
  readonly others: Int32Array;
}

/**
 * Sparse-RS for pixels (Croce et al. 2022, arXiv:2006.12834, Alg. 1 and 2): a random search for a larger margin among images
 * in which epsilon pixels have a colour at a corner of the box: every channel is 0 or 1. A proposal replaces some of the
 * changed pixels by as many others. Uses only logits. An example that is misclassified leaves the batch, unless
 * `stopWhenBroken` is off.
 */
export const sparseRs = defineAttack({
  name: "sparse-rs",
  norms: ["l0"],
  summary: "random search for few pixels; uses logits only",
  source: "Croce et al. 2022, arXiv:2006.12834",
  asks: "logits",
  options: SparseRsOptions,
  sharedOptions: { share: null },
  make: (options) => ({
    perturb: (victim, x, labels, keys) => perturb(options, victim, x, labels, keys),
  }),
});

async function perturb(
  { norm, epsilon, queries, share, stopWhenBroken }: Settings,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Tensor> {
  const ball = { norm, epsilon, stopWhenBroken };
  const { adversarial, searches } = await beginSearches(victim, x, labels, keys, ball);
  const frame = frameOf(x.shape.slice(1));
  let running: Search[] = searches.map((search) =>
    Object.assign({}, search, noneChanged(frame, epsilon)),
  );
  for (let query = 1; query <= queries && running.length > 0; query++) {
    const count =
      query === 1 ? epsilon : replacedAt(query - 1, queries, { share, changed: epsilon });
    const replaced = Math.min(count, frame.height * frame.width - epsilon);
    const words = new Uint32Array(maxWords(frame, count));
    const candidates = running.map((search) => {
      fillBits(fold(fold(search.key, query), 0), words);
      const choices = choicesOf(words);
      return query === 1
        ? start(search, frame, choices)
        : propose(search, { frame, replaced }, choices);
    });
    const reached = marginsOf(
      await victim.logits(
        gather(candidates, x.shape),
        running.map(({ key }) => fold(fold(key, query), 1)),
      ),
      running.map(({ label }) => label),
    );
    running.forEach((search, i) => {
      if (query > 1 && !(reached[i] > search.margin)) return;
      search.margin = reached[i];
      search.best.set(candidates[i]);
      if (query > 1) exchange(search, replaced);
    });
    if (stopWhenBroken) running = running.filter(({ margin }) => !(margin > 0));
  }
  return adversarial;
}

/** The positions of an image, `count` of them in `changed`, to be chosen by `start`. */
function noneChanged({ height, width }: Frame, count: number): Pick<Search, "changed" | "others"> {
  const positions = Int32Array.from({ length: height * width }, (_, i) => i);
  return { changed: positions.slice(0, count), others: positions.slice(count) };
}

/** The random words of a proposal that changes `count` pixels: two positions for each, and a colour. */
const maxWords = ({ channels }: Frame, count: number): number => count * (2 + channels);

/** Moves `count` of the items, chosen at random, to the front. */
function shuffleFront(items: Int32Array, count: number, choices: Choices): void {
  for (let i = 0; i < count; i++) {
    const from = i + choices.below(items.length - i);
    [items[i], items[from]] = [items[from], items[i]];
  }
}

/** The image with a random colour at each of the first `count` positions, in place. */
function paint(
  image: Float32Array,
  positions: Int32Array,
  { count, frame }: { readonly count: number; readonly frame: Frame },
  choices: Choices,
): void {
  const size = frame.height * frame.width;
  for (const position of positions.subarray(0, count))
    for (let channel = 0; channel < frame.channels; channel++)
      image[position + channel * size] = choices.sign() > 0 ? 1 : 0;
}

/** Chooses the pixels that the search begins with, and returns the image with random colours there. */
function start({ x, changed, others }: Search, frame: Frame, choices: Choices): Float32Array {
  const all = Int32Array.of(...changed, ...others);
  shuffleFront(all, changed.length, choices);
  changed.set(all.subarray(0, changed.length));
  others.set(all.subarray(changed.length));
  const image = x.slice();
  paint(image, changed, { count: changed.length, frame }, choices);
  return image;
}

/** The best image with `replaced` of its changed pixels exchanged for others. These pixels move to the front of their lists. */
function propose(
  { x, best, changed, others }: Search,
  { frame, replaced }: { readonly frame: Frame; readonly replaced: number },
  choices: Choices,
): Float32Array {
  shuffleFront(changed, replaced, choices);
  shuffleFront(others, replaced, choices);
  const image = best.slice();
  const size = frame.height * frame.width;
  for (const position of changed.subarray(0, replaced))
    for (let i = position; i < image.length; i += size) image[i] = x[i];
  if (replaced > 1) paint(image, others, { count: replaced, frame }, choices);
  else paintOther(image, others[0], frame, choices);
  return image;
}

/** With more channels, a random colour rarely equals the current colour. */
const MAX_LISTED_CHANNELS = 16;

/** Gives one pixel of the image a random colour that it does not have, in place. */
function paintOther(image: Float32Array, position: number, frame: Frame, choices: Choices): void {
  const { channels, height, width } = frame;
  const places = Array.from({ length: channels }, (_, c) => position + c * height * width);
  if (channels > MAX_LISTED_CHANNELS || places.some((i) => image[i] !== 0 && image[i] !== 1)) {
    paint(image, Int32Array.of(position), { count: 1, frame }, choices);
    return;
  }
  const before = places.reduce((code, i, c) => code + image[i] * 2 ** c, 0);
  const drawn = choices.below(2 ** channels - 1);
  const code = drawn < before ? drawn : drawn + 1;
  for (const [c, i] of places.entries()) image[i] = (code >> c) & 1;
}

/** Makes the last proposal the state of the search. */
function exchange({ changed, others }: Search, replaced: number): void {
  for (let i = 0; i < replaced; i++) [changed[i], others[i]] = [others[i], changed[i]];
}
