// Whether the scores that a file gives an image depend on the other images of its batch.

import * as g from "../engine/graph/expressions.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import {
  argmaxRows,
  concatRows,
  elementCount,
  rowSize,
  rows,
  type Tensor,
  takeRows,
  tensor,
} from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";
import { padded } from "./batch-size.ts";
import { logitsOfBatches } from "./logits-of-batches.ts";
import { type MixingNode, mixingNode } from "./mixing-node.ts";
import { imagesAtOnce } from "./run-memory.ts";

/** The runtime that compares. */
export type BatchRuntime = Runtime;

/** The maximum number of images compared, and of images in a compared batch. */
export const BATCH_CHECKED = 16;
/** Score differences up to this share of the range of all scores are rounding in float32. */
const MAX_DIFFERENCE = 1e-3;
/** A changed decision counts from this share of the range on; below it, two scores are equal but for rounding. */
const MIN_CHANGE = 1e-5;

/** How the scores of images change with the other images of their batch. */
export interface BatchDependence {
  /** Images compared. */
  readonly images: number;
  /** The largest change of a score, as a share of the range of all scores. */
  readonly difference: number;
  /** Images whose decision changes. */
  readonly decisions: number;
  /** The node that mixes images; null if no node of the file shows it. */
  readonly node: MixingNode | null;
}

/** Images to compare, [n, ...pixels], and how. */
export interface ComparedImages {
  readonly images: Tensor;
  /** More images, to share a batch with; random ones are always added. */
  readonly others?: Tensor | undefined;
  /** The maximum batch. */
  readonly size: number;
}

/** A batch, and the row of each compared image that is in it, by index of the image. */
interface SharedBatch {
  readonly x: Tensor;
  readonly rowOfImage: ReadonlyMap<number, number>;
}

const indicesUpTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Three batches of `size`: the images in order, and each half of them, in reverse order, after other images. */
function sharedBatches(images: Tensor, others: Tensor, size: number): SharedBatch[] {
  const compared = indicesUpTo(Math.min(images.shape[0], size));
  const afterOthers = (chosen: readonly number[]): SharedBatch => {
    const first = rows(others, 0, size - chosen.length);
    const x = concatRows([first, takeRows(images, chosen)]);
    return { x, rowOfImage: new Map(chosen.map((image, i) => [image, first.shape[0] + i])) };
  };
  const half = Math.ceil(compared.length / 2);
  const reversed = compared.toReversed();
  return [
    {
      x: padded(rows(images, 0, compared.length), size),
      rowOfImage: new Map(compared.map((image) => [image, image])),
    },
    afterOthers(reversed.slice(0, half)),
    afterOthers(reversed.slice(half)),
  ];
}

/** The range of all finite numbers. */
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

/** The largest difference of two rows. Equal infinities do not differ, nor do two NaN; NaN and a number differ by ∞. */
function distance(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (const [i, value] of a.entries())
    if (!Object.is(value, b[i])) {
      const difference = Math.abs(value - b[i]);
      largest = Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    }
  return largest;
}

/** Scores of images alone, each the first row of its own batch, and of shared batches. */
interface Scores {
  readonly alone: readonly Tensor[];
  readonly shared: readonly Tensor[];
}

/** The largest difference between an image alone and the same image in a shared batch, and the changed decisions. */
function compare({ alone, shared }: Scores, batches: readonly SharedBatch[], range: number) {
  const changed = new Set<number>();
  let worst = { distance: 0, batch: 0, image: 0 };
  for (const [batch, { rowOfImage }] of batches.entries())
    for (const [image, row] of rowOfImage) {
      if (image >= alone.length) continue;
      const single = rows(alone[image], 0, 1);
      const other = rows(shared[batch], row, row + 1);
      const difference = distance(single.data, other.data);
      if (difference > worst.distance) worst = { distance: difference, batch, image };
      if (difference > MIN_CHANGE * range && argmaxRows(single)[0] !== argmaxRows(other)[0])
        changed.add(image);
    }
  return { worst, decisions: changed.size };
}

/**
 * Scores images alone and in batches with others, and measures how much the scores change. Null if they change by
 * rounding only and no decision changes, and for networks with nothing to compare: our own, and those that run one image
 * at a time.
 */
export async function batchDependence(
  runtime: Runtime,
  architecture: Architecture,
  { images: given, others, size: maxBatch }: ComparedImages,
): Promise<BatchDependence | null> {
  const { fixedBatch = null, inputShape } = architecture;
  const size = fixedBatch ?? Math.min(maxBatch, BATCH_CHECKED, imagesAtOnce(architecture));
  if (architecture.foreign !== true || size < 2 || given.shape[0] === 0) return null;
  // Images of another size are an error that the caller reports.
  if (rowSize(given) !== elementCount(inputShape)) return null;
  const shaped = (x: Tensor) => tensor([x.shape[0], ...inputShape], x.data);
  const images = shaped(given);
  const random = uniform(keysFor(keyOf(0), indicesUpTo(size)), [size, ...inputShape]);
  const company = others === undefined ? random : concatRows([shaped(others), random]);
  const batches = sharedBatches(images, company, size);
  const compared = indicesUpTo(Math.min(images.shape[0], size, BATCH_CHECKED));
  const single = compared.map((i) => padded(rows(images, i, i + 1), fixedBatch ?? 1));
  const alone = await logitsOfBatches(runtime, architecture, single);
  const shared = await logitsOfBatches(
    runtime,
    architecture,
    batches.map(({ x }) => x),
  );
  const range = finiteRange([...alone.map((one) => rows(one, 0, 1)), ...shared]);
  const { worst, decisions } = compare({ alone, shared }, batches, range);
  if (worst.distance <= MAX_DIFFERENCE * range && decisions === 0) return null;
  const { x, rowOfImage } = batches[worst.batch];
  const suspects = [rowOfImage.get(worst.image) ?? 0];
  return {
    images: compared.length,
    difference: worst.distance / range,
    decisions,
    node: fixedBatch === null ? await mixingNode(runtime, architecture, x, suspects) : null,
  };
}

/** The network that scores every image alone. A network with a fixed batch then runs on copies of the image. */
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
  if (!Number.isFinite(share)) return "without bound";
  const percent = 100 * share;
  return `${percent < 10 ? percent.toPrecision(2) : Math.round(percent)} % of their range`;
}

/** A note about the dependence, as a clause without a full stop. */
export function describeDependence({
  images,
  difference,
  decisions,
  node,
}: BatchDependence): string {
  const finding = `the scores of an image depend on the images that share its batch: over the first ${images} images, scored alone and in batches with others, scores change by up to ${percentOf(difference)} and ${decisions} decisions change`;
  if (node === null) return `${finding}; no single node of the file shows where the images mix`;
  const causes: { readonly [C in MixingNode["cause"]]: string } = {
    range: `quantiser ${node.node} takes its scale from the whole batch`,
    rounding: `node ${node.node} rounds, and other batch sizes are summed in another order`,
    mixing: `node ${node.node} mixes the images of a batch`,
  };
  return `${finding}; ${causes[node.cause]}`;
}

/**
 * Whether quantisation causes the dependence, so that scoring images one by one gives the scores that the file intends.
 */
export const isQuantisation = ({ node }: BatchDependence): boolean =>
  node !== null && node.cause !== "mixing";
