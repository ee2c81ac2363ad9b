import { messageOf } from "../math/message-of.ts";
import { elementCount, type Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { DataFiles, DecodedImage } from "./data-files.ts";
import type { Dataset, Split } from "./dataset.ts";
import { defineDataset } from "./define-dataset.ts";
import {
  classesIn,
  composed,
  type Entry,
  entriesIn,
  splitsOf,
  testClasses,
} from "./folder-layout.ts";
import type { FolderOptions } from "./folder-options.ts";
import { type ImageRules, type ImageTrait, pillowRules, traitNote } from "./image-rules.ts";
import { channelStatistics, type Examples, splitOf } from "./splits.ts";

/** Advice on how to bring images to the size that the network takes. */
function sizeAdvice(takes: Shape | undefined): string {
  if (takes === undefined)
    return "that of the network's input: give --resize and --crop, such as --resize 256 --crop 224";
  const [, height, width] = takes;
  const crop = height === width ? String(height) : `${height},${width}`;
  return `and the network takes ${sizeText(takes)}: give --resize ${Math.max(height, width)} --crop ${crop}`;
}

/** `640×480`: width by height. */
const sizeText = ([, height, width]: Shape) => `${width}×${height}`;

/** Reads and decodes one image. */
async function imageOf(path: string, from: DataFiles, rules: ImageRules): Promise<DecodedImage> {
  const bytes = await from.read(path);
  if (bytes === undefined)
    throw new UsageError(`${path} was removed while the data set was read`, { code: "not-found" });
  try {
    return await from.decode(bytes, rules);
  } catch (cause) {
    const why = messageOf(cause);
    throw new UsageError(
      `${path} (${bytes.length} bytes) cannot be decoded: ${why}; replace or remove it`,
      { code: "bad-file", cause },
    );
  }
}

/** Largest size of all images of a split, in bytes. */
const MAX_BYTES = 2 ** 32;

/** Memory for `count` images of this shape; throws a UsageError if they are too large. */
function allocate(count: number, shape: Shape, path: string): Uint8Array<ArrayBuffer> {
  const size = count * elementCount(shape);
  if (size > MAX_BYTES)
    throw new UsageError(
      `${count} images of ${sizeText(shape)}, the size of ${path}, take ${size} bytes, more than ${MAX_BYTES}; resize them, or use fewer`,
      { code: "misfit" },
    );
  return new Uint8Array(size);
}

/** Number of images with each trait, and the first of them. */
type Traits = Map<ImageTrait, { count: number; readonly first: string }>;

/** The decoded images of a split. */
interface FolderExamples extends Examples {
  /** The first image, for messages. */
  readonly path: string;
  /** [channel, height, width] of every image. */
  readonly shape: Shape;
  /** Relative to the data set's folder. */
  readonly files: readonly string[];
}

/** Decodes all images, which must have the size of `wanted`, or else of the first one. Counts their traits in `traits`. */
async function examplesOf(
  root: string,
  entries: readonly Entry[],
  from: DataFiles,
  { prepare = (image) => image, rules = pillowRules, takes }: FolderOptions,
  traits: Traits,
  wanted?: { readonly path: string; readonly shape: Shape },
): Promise<FolderExamples> {
  let like = wanted;
  let pixels = new Uint8Array();
  const inside = (path: string) => path.slice(root.length + 1);
  for (const [i, { path }] of entries.entries()) {
    const decoded = await imageOf(path, from, rules);
    for (const trait of decoded.traits ?? []) {
      const seen = traits.get(trait) ?? { count: 0, first: inside(path) };
      seen.count++;
      traits.set(trait, seen);
    }
    const image = prepare(decoded);
    like ??= { path, shape: image.shape };
    const row = elementCount(like.shape);
    if (i === 0) pixels = allocate(entries.length, image.shape, path);
    if (image.shape.join() !== like.shape.join())
      throw new UsageError(
        `${path} is ${sizeText(image.shape)} pixels, but ${like.path} is ${sizeText(like.shape)}; all images must have one size, ${sizeAdvice(takes)}`,
        { code: "misfit" },
      );
    pixels.set(image.pixels, i * row);
  }
  if (like === undefined) throw new Error("internal: a folder without images");
  return {
    ...like,
    pixels,
    labels: Int32Array.from(entries, ({ label }) => label),
    files: entries.map(({ path }) => inside(path)),
  };
}

/**
 * Opens images in one folder per class, including subfolders. Class indices follow the order of the folders' code points.
 * Top-level folders `train` and `test` (or `val`, `valid`, `validation`, in any case) are the splits; without them all images
 * serve as both training and test images. Throws a UsageError for a file that is not an image of the common size.
 */
export async function openFolder(
  path: string,
  from: DataFiles,
  options: FolderOptions = {},
): Promise<Dataset> {
  const { train: trainFolder, test: testFolder } = await splitsOf(path, from);
  const { maxImages, rules = pillowRules } = options;
  const classes = await classesIn(trainFolder, from);
  const traits: Traits = new Map();
  const entries = await entriesIn(trainFolder, classes, from, {
    maxImages,
    mayBeEmpty: false,
  });
  const train = await examplesOf(path, entries, from, options, traits);
  const { shape } = train;
  const trainSplit: Split = { ...splitOf(train, shape), files: train.files };
  let testSplit = trainSplit;
  if (testFolder !== null) {
    const folders = await testClasses(testFolder, trainFolder, classes, from);
    const tested = await entriesIn(testFolder, folders, from, { maxImages, mayBeEmpty: true });
    const examples = await examplesOf(path, tested, from, options, traits, train);
    testSplit = { ...splitOf(examples, shape), files: examples.files };
  }
  return {
    name: `folder:${path}`,
    shape,
    classes: classes.map(composed),
    ...channelStatistics(train, shape),
    train: trainSplit,
    test: testSplit,
    notes: [...traits].map(([trait, { count, first }]) => traitNote(trait, count, first, rules)),
  };
}

/** Images in one folder per class. */
export const folder = defineDataset({
  name: "folder",
  text: "your own images, one sub-folder per class",
  source: "your own files",
  path: "folder",
  labels: "names",
  resizes: true,
  open: (from, path, options) => openFolder(path, from, options),
});
