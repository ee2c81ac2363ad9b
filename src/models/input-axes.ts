// Which axis of a foreign file's input is the batch: the first one, the last one, or none.

import * as g from "../engine/graph/expressions.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Declared } from "../engine/onnx/model.ts";
import type { Note } from "../math/note.ts";
import { sizeOf } from "../math/tensor.ts";
import type { ImageOptions } from "./image-input.ts";

/** One way to take a file's input as images. */
export interface InputAxes {
  /** The input as if its first axis were the batch. */
  readonly declared: Declared;
  /** The batch that the file states; null where it leaves it open. */
  readonly statedBatch: number | null;
  /** Whether the batch is the first axis; a file of another form is run image by image. */
  readonly batchFirst: boolean;
  /** An image [1, …] of `declared` in the axes of the file. */
  arrange(image: Value): Value;
  readonly note: Note | null;
}

type Lengths = readonly (number | string | null)[];

/** Axes that one image has at most: what has more has a batch. */
const MAX_IMAGE_AXES = 3;

const isOpen = (n: number | string | null | undefined): boolean =>
  !(typeof n === "number" && n > 0);

const shown = ({ name, shape }: Declared): string =>
  `${name} [${(shape ?? []).map((n) => n ?? "?").join(", ")}]`;

/** The batch that the file states for an input; null where it leaves it open. */
const statedBatch = ({ shape }: Declared): number | null =>
  typeof shape?.[0] === "number" && shape[0] > 0 ? shape[0] : null;

const batchFirst = (input: Declared): InputAxes => ({
  declared: input,
  statedBatch: statedBatch(input),
  batchFirst: true,
  arrange: (image) => image,
  note: null,
});

/** The whole input is one image. */
const withoutBatch = (input: Declared, lengths: Lengths): InputAxes => ({
  declared: { ...input, shape: [1, ...lengths] },
  statedBatch: 1,
  batchFirst: false,
  arrange: (image) => g.reshape(image, image.shape.slice(1)),
  note: {
    code: "no-batch-axis",
    text: `the file's input ${shown(input)} has no batch axis, so images are run one by one`,
  },
});

/** The last axis counts images. */
const batchLast = (input: Declared, lengths: Lengths): InputAxes => ({
  declared: { ...input, shape: [1, ...lengths.slice(0, -1)] },
  statedBatch: 1,
  batchFirst: false,
  arrange: (image) => g.reshape(image, [...image.shape.slice(1), 1]),
  note: {
    code: "batch-last",
    text: `the last axis of the file's input ${shown(input)} is its batch, so images are run one by one`,
  },
});

/** Whether an image of the caller's is as large as the whole input, whose first axis is longer than one image's. */
function fillsInput(lengths: Lengths, { shape, numbers }: ImageOptions): boolean {
  if (lengths.some(isOpen) || lengths[0] === 1) return false;
  const count = shape === undefined ? numbers : sizeOf(shape);
  return count === sizeOf(lengths.map(Number));
}

/**
 * The ways in which an input can hold images, the likeliest first: its first axis is the batch, unless one image already
 * fills it or there is no other axis. Which of them holds, the file's scores must show.
 */
export function inputAxes(input: Declared, options: ImageOptions): InputAxes[] {
  const lengths = input.shape;
  if (lengths === null || lengths.length === 0) return [batchFirst(input)];
  const ways = [batchFirst(input)];
  if (lengths.length > 1 && !isOpen(lengths[0]) && isOpen(lengths.at(-1)))
    ways.push(batchLast(input, lengths));
  if (lengths.length <= MAX_IMAGE_AXES) ways.push(withoutBatch(input, lengths));
  const isVector = lengths.length === 1 && !isOpen(lengths[0]);
  if (isVector || fillsInput(lengths, options)) ways.reverse();
  return ways;
}

/** Images that a graph may need at once for its shapes alone. */
const MAX_ONLY_BATCH = 1024;

/**
 * The batch that a graph works for alone although its input leaves it open, because arrays of the file hold so many rows:
 * one image gives the scores of all of them, and other batches do not fit. `scoresOf` gives the shape of the scores, or
 * null where a batch cannot be read. Null if there is no such batch.
 */
export function onlyBatch(scoresOf: (batch: number) => readonly number[] | null): number | null {
  const single = scoresOf(1);
  if (single === null || single.length < 2) return null;
  const [batch] = single;
  if (batch < 2 || batch > MAX_ONLY_BATCH) return null;
  if (scoresOf(batch)?.join() !== single.join()) return null;
  return scoresOf(batch + 1) === null ? batch : null;
}

/** Axes with the batch that the graph needs. */
export function fixedTo(axes: InputAxes, batch: number): InputAxes {
  return {
    declared: axes.declared,
    statedBatch: batch,
    batchFirst: axes.batchFirst,
    arrange: axes.arrange,
    note: {
      code: "fixed-batch",
      text: `the file leaves its batch open, but holds arrays for ${batch} images, so images are run in batches of ${batch}`,
    },
  };
}
