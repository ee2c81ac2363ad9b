// Finds the batch axis of an imported file's input: the first axis, the last axis, or none.

import * as g from "../engine/graph/expressions.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Declared } from "../engine/onnx/model.ts";
import type { Note } from "../math/note.ts";
import { elementCount } from "../math/tensor.ts";
import type { ImageOptions } from "./image-input.ts";

/** One interpretation of a file's input as images. */
export interface InputAxes {
  /** The input, rearranged so that its first axis is the batch. */
  readonly declared: Declared;
  /** The batch that the file states; null if it leaves the batch open. */
  readonly statedBatch: number | null;
  /** Whether the file's first axis is the batch; otherwise the file runs one image at a time. */
  readonly batchFirst: boolean;
  /** Brings an image [1, …] in the axes of `declared` into the axes of the file. */
  arrange(image: Value): Value;
  readonly note: Note | null;
}

type Lengths = readonly (number | string | null)[];

/** Largest number of axes of an image; an input with more has a batch axis. */
const MAX_IMAGE_AXES = 3;

const isOpen = (n: number | string | null | undefined): boolean =>
  !(typeof n === "number" && n > 0);

const shown = ({ name, shape }: Declared): string =>
  `${name} [${(shape ?? []).map((n) => n ?? "?").join(", ")}]`;

/** The batch that the file states for an input; null if it leaves the batch open. */
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

/** The last axis is the batch. */
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

/** Whether one image of the caller fills the whole input, whose first axis is then not the batch. */
function fillsInput(lengths: Lengths, { shape, numbers }: ImageOptions): boolean {
  if (lengths.some(isOpen) || lengths[0] === 1) return false;
  const count = shape === undefined ? numbers : elementCount(shape);
  return count === elementCount(lengths.map(Number));
}

/**
 * The interpretations of an input, the likeliest first. The first axis is the batch, unless one image fills the input or
 * there is no other axis. Only the shape of the scores shows which interpretation is right.
 */
export function inputAxes(input: Declared, options: ImageOptions): InputAxes[] {
  const lengths = input.shape;
  if (lengths === null || lengths.length === 0) return [batchFirst(input)];
  const interpretations = [batchFirst(input)];
  if (lengths.length > 1 && !isOpen(lengths[0]) && isOpen(lengths.at(-1)))
    interpretations.push(batchLast(input, lengths));
  if (lengths.length <= MAX_IMAGE_AXES) interpretations.push(withoutBatch(input, lengths));
  const isVector = lengths.length === 1 && !isOpen(lengths[0]);
  if (isVector || fillsInput(lengths, options)) interpretations.reverse();
  return interpretations;
}

/** The maximum batch that a graph can need for its shapes. */
const MAX_ONLY_BATCH = 1024;

/**
 * The only batch that a graph works for although its input leaves the batch open; null if there is none. Arrays of such
 * a file have that many rows: a single image gives scores for all of them, and other batches fail. `scoresShape` returns
 * the shape of the scores for a batch, or null if the file cannot be read for it.
 */
export function onlyBatch(scoresShape: (batch: number) => readonly number[] | null): number | null {
  const single = scoresShape(1);
  if (single === null || single.length < 2) return null;
  const [batch] = single;
  if (batch < 2 || batch > MAX_ONLY_BATCH) return null;
  if (scoresShape(batch)?.join() !== single.join()) return null;
  return scoresShape(batch + 1) === null ? batch : null;
}

/** The axes with the only batch that the graph works for. */
export function withOnlyBatch(axes: InputAxes, batch: number): InputAxes {
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
