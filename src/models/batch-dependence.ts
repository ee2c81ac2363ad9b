// Whether the scores that a file gives an image depend on the images that share its batch.

import * as g from "../engine/graph/expressions.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import {
  argmaxRows,
  concatRows,
  rowSize,
  rows,
  sizeOf,
  type Tensor,
  takeRows,
  tensor,
} from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";
import { padded } from "./batch-size.ts";
import { withForeignErrors } from "./foreign-errors.ts";
import { type MixingNode, mixingNode } from "./mixing-node.ts";

/** What runs the comparison. */
export type BatchRuntime = Runtime;

/** Images that are compared. */
export const BATCH_CHECKED = 16;
/** Share of the range of the scores that float32 does not explain. */
const DIFFERENCE = 1e-3;
/** Share of it from which a changed decision counts: below, two scores are equal but for rounding. */
const NOISE = 1e-5;

/** How the scores of the first images change with the batch. */
export interface BatchDependence {
  /** Images that were compared. */
  readonly images: number;
  /** The largest change of a score, as a share of the range of all scores. */
  readonly difference: number;
  /** Images whose decision changes. */
  readonly decisions: number;
  /** Where the images meet; null where no node of the file shows it. */
  readonly node: MixingNode | null;
}

/** A batch, and the place in it of each image that it holds. */
interface Company {
  readonly x: Tensor;
  readonly places: ReadonlyMap<number, number>;
}

const count = (n: number) => Array.from({ length: n }, (_, i) => i);

/** The images together in their order, and twice half of them, in the opposite order, after as many others. */
function companies(images: Tensor, others: Tensor, size: number): Company[] {
  const own = count(Math.min(images.shape[0], size));
  const filled = (chosen: readonly number[]): Company => {
    const strangers = rows(others, 0, size - chosen.length);
    const x = concatRows([strangers, takeRows(images, chosen)]);
    return { x, places: new Map(chosen.map((image, i) => [image, strangers.shape[0] + i])) };
  };
  const half = Math.ceil(own.length / 2);
  const backwards = own.toReversed();
  return [
    { x: padded(rows(images, 0, own.length), size), places: new Map(own.map((i) => [i, i])) },
    filled(backwards.slice(0, half)),
    filled(backwards.slice(half)),
  ];
}

/** Scores [batch, classes] of batches of one size, by one program. */
async function scoresOf(
  runtime: Runtime,
  architecture: Architecture,
  batches: readonly Tensor[],
): Promise<Tensor[]> {
  const x = g.input("x", batches[0].shape);
  const { logits } = architecture.forward(x, () => g.input("", []), "frozen");
  const program = await withForeignErrors(runtime, architecture).compile({ logits });
  try {
    const all: Tensor[] = [];
    for (const batch of batches) all.push((await program.run({ x: batch })).logits as Tensor);
    return all;
  } finally {
    await program.release();
  }
}

const finiteRange = (arrays: readonly Tensor[]): number => {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { data } of arrays)
    for (const value of data)
      if (Number.isFinite(value)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
  return Math.max(high - low, Number.MIN_VALUE);
};

/** The largest difference of two rows; values that are the same infinity, or both NaN, do not differ. */
function distance(a: Float32Array, b: Float32Array): number {
  let most = 0;
  for (const [i, value] of a.entries())
    if (!Object.is(value, b[i])) {
      const apart = Math.abs(value - b[i]);
      most = Math.max(most, Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart);
    }
  return most;
}

/**
 * Scores images [n, ...] alone, together, and next to others, and says how much that changes them: null where it is at most
 * a thousandth of the scores' range and no decision changes. At most `size` images share a batch. Networks without a file
 * of somebody else's behind them, and those that run image by image, have nothing to compare.
 */
export async function batchDependence(
  runtime: Runtime,
  architecture: Architecture,
  given: { images: Tensor; others?: Tensor | undefined; size: number },
): Promise<BatchDependence | null> {
  const { images: raw, others: more, size: most } = given;
  const { fixedBatch = null, inputShape } = architecture;
  const size = fixedBatch ?? Math.min(most, BATCH_CHECKED);
  if (architecture.foreign !== true || size < 2 || raw.shape[0] === 0) return null;
  // Images of another size are refused by whoever asks for them.
  if (rowSize(raw) !== sizeOf(inputShape)) return null;
  const drawn = uniform(keysFor(keyOf(0), count(size)), [size, ...inputShape]);
  const shaped = (x: Tensor) => tensor([x.shape[0], ...inputShape], x.data);
  const images = shaped(raw);
  const strangers = more === undefined ? drawn : concatRows([shaped(more), drawn]);
  const compared = companies(images, strangers, size);
  const own = count(Math.min(images.shape[0], size, BATCH_CHECKED));
  const alone = await scoresOf(
    runtime,
    architecture,
    own.map((i) => padded(rows(images, i, i + 1), fixedBatch ?? 1)),
  );
  const together = await scoresOf(
    runtime,
    architecture,
    compared.map(({ x }) => x),
  );
  const range = finiteRange([...alone.map((one) => rows(one, 0, 1)), ...together]);
  const changed = new Set<number>();
  let worst = { distance: 0, company: 0, image: 0 };
  for (const [company, { places }] of compared.entries())
    for (const [image, place] of places) {
      if (image >= own.length) continue;
      const single = rows(alone[image], 0, 1);
      const shared = rows(together[company], place, place + 1);
      const apart = distance(single.data, shared.data);
      if (apart > worst.distance) worst = { distance: apart, company, image };
      if (apart > NOISE * range && argmaxRows(single)[0] !== argmaxRows(shared)[0])
        changed.add(image);
    }
  if (worst.distance <= DIFFERENCE * range && changed.size === 0) return null;
  const { x, places } = compared[worst.company];
  return {
    images: own.length,
    difference: worst.distance / range,
    decisions: changed.size,
    node:
      fixedBatch === null
        ? await mixingNode(runtime, architecture, x, [places.get(worst.image) ?? 0])
        : null,
  };
}

/** The network that gives every image the scores that it has alone; one that takes a fixed batch sees it filled with copies. */
export function oneByOne(architecture: Architecture): Architecture {
  const { fixedBatch = null, forward, inputShape } = architecture;
  if (fixedBatch === null || fixedBatch === 1) return { ...architecture, fixedBatch: 1 };
  return {
    ...architecture,
    fixedBatch: 1,
    forward(x, parameter, mode) {
      const copies = g.expand(x, [fixedBatch, ...inputShape]);
      const { logits, statistics } = forward(copies, parameter, mode);
      return { logits: g.sliceAxis(logits, 0, 0, 1), statistics };
    },
  };
}

function percentOf(share: number): string {
  if (!Number.isFinite(share)) return "beyond any bound";
  const percent = 100 * share;
  return `${percent < 10 ? percent.toPrecision(2) : Math.round(percent)} % of their range`;
}

/** What a reader should know of it, in a sentence without its end. */
export function describeDependence(found: BatchDependence): string {
  const { images, difference, decisions, node } = found;
  const what = `the scores of an image depend on the images that share its batch: of the first ${images} images scored alone, together and next to others, scores change by up to ${percentOf(difference)} and ${decisions} decisions change`;
  if (node === null) return `${what}; no single node of the file shows where they meet`;
  const causes: { readonly [C in MixingNode["cause"]]: string } = {
    range: `quantiser ${node.node} takes its scale from the whole batch`,
    rounding: `node ${node.node} rounds, and other sizes of a batch are summed in another order`,
    mixing: `node ${node.node} mixes the images of a batch`,
  };
  return `${what}; ${causes[node.cause]}`;
}

/** Whether quantisation explains it, so that scoring the images one by one gives what the file means. */
export const isQuantisation = ({ node }: BatchDependence): boolean =>
  node !== null && node.cause !== "mixing";
