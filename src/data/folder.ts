import { type Shape, sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { DataFiles, DecodedImage, Image } from "./data-files.ts";
import type { Dataset, Split } from "./dataset.ts";
import { type ImageRules, type ImageTrait, pillowRules, traitNote } from "./image-rules.ts";
import { channelStatistics, type Examples, splitOf } from "./splits.ts";

/** Matches the names of images that can be read. */
export const imagePattern = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|avif|bmp|p[bgpn]m)$/i;
/** Whether a name is a hidden file or a leftover of an operating system. */
const isHidden = (name: string) => /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX\/)/i.test(name);

/** Names of the training split's folder, preferred ones first. */
const TRAIN_FOLDERS = ["train", "training"];
/** Names of the test split's folder, preferred ones first. */
const TEST_FOLDERS = ["test", "testing", "val", "valid", "validation"];

/** How the images of a folder are read. */
export interface FolderOptions {
  /** Resizes or crops an image. All images must have one size afterwards. */
  readonly prepare?: (image: Image) => Image;
  /** Largest number of images of each split; the first ones are read. */
  readonly maxImages?: number;
  /** Treatment of transparency, orientation and 16-bit grey; by default as in Pillow. */
  readonly rules?: ImageRules;
  /** Input shape of the network, [channel, height, width], for messages about images of other sizes. */
  readonly takes?: Shape | undefined;
}

/** One image to read. */
interface Entry {
  readonly path: string;
  readonly label: number;
}

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

/** Names in a folder that are not hidden, sorted by code point; throws a UsageError if there is no such folder. */
async function namesIn(folder: string, from: DataFiles): Promise<string[]> {
  const names = await from.list(folder);
  if (names === undefined)
    throw new UsageError(`${folder}: there is no such folder`, { code: "not-found" });
  return names.filter((name) => !isHidden(name)).sort();
}

/** The first of the `wanted` folders among `names`, in any case; undefined if there is none. */
const splitFolder = (names: readonly string[], wanted: readonly string[]): string | undefined =>
  wanted
    .map((word) => names.find((name) => name.toLowerCase() === `${word}/`))
    .find((name) => name !== undefined)
    ?.slice(0, -1);

/** One spelling (NFC) for names whose accented letters can be encoded in two ways. */
const composed = (name: string): string => name.normalize("NFC");

/** Class folders in the order of their code points, as in torchvision's ImageFolder. */
async function classesIn(folder: string, from: DataFiles): Promise<string[]> {
  const names = await namesIn(folder, from);
  const loose = names.find((name) => imagePattern.test(name));
  if (loose !== undefined)
    throw new UsageError(
      `${folder}/${loose} is in no class; move it into a folder named after its class`,
      { code: "bad-file" },
    );
  const classes = names.filter((name) => name.endsWith("/")).map((name) => name.slice(0, -1));
  if (classes.length === 0)
    throw new UsageError(`${folder} holds no folders; make one per class, with its images inside`, {
      code: "not-found",
    });
  const twice = classes.find((name, i) => classes.map(composed).indexOf(composed(name)) !== i);
  if (twice !== undefined)
    throw new UsageError(
      `${folder} holds two folders named ${twice}, one in NFC and one in NFD; join them`,
      { code: "bad-file" },
    );
  return classes;
}

/** Paths of the images in a class folder and its subfolders, in the order of torchvision's ImageFolder. */
async function filesIn(folder: string, from: DataFiles): Promise<string[] | undefined> {
  const inside = await from.list(folder);
  if (inside === undefined) return undefined;
  const names = inside.filter((name) => !isHidden(name)).sort();
  const files = names.filter((name) => !name.endsWith("/"));
  const other = files.find((file) => !imagePattern.test(file));
  if (other !== undefined)
    throw new UsageError(
      `${folder}/${other} is not an image (JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP or PNM); move it away`,
      { code: "bad-file" },
    );
  const found = files.map((file) => `${folder}/${file}`);
  for (const name of names.filter((one) => one.endsWith("/")))
    for (const path of (await filesIn(`${folder}/${name.slice(0, -1)}`, from)) ?? [])
      found.push(path);
  return found;
}

/**
 * The images of a split: the first of each class, then the second of each and so on, so that the first n are a balanced
 * sample. Undefined classes have no folder. Classes may be empty only with `mayBeEmpty`.
 */
async function entriesIn(
  folder: string,
  classes: readonly (string | undefined)[],
  from: DataFiles,
  {
    maxImages,
    mayBeEmpty,
  }: { readonly maxImages: number | undefined; readonly mayBeEmpty: boolean },
): Promise<Entry[]> {
  const columns: Entry[][] = [];
  for (const [label, name] of classes.entries()) {
    const files = name === undefined ? undefined : await filesIn(`${folder}/${name}`, from);
    if (files?.length === 0 && !mayBeEmpty)
      throw new UsageError(
        `${folder}/${name} holds no images, and torchvision's ImageFolder would refuse it; fill it, or remove it`,
        { code: "not-found" },
      );
    columns.push((files ?? []).map((path) => ({ path, label })));
  }
  const longest = columns.reduce((length, column) => Math.max(length, column.length), 0);
  const entries = Array.from({ length: longest }, (_, i) =>
    columns.flatMap((column) => column.slice(i, i + 1)),
  )
    .flat()
    .slice(0, maxImages);
  if (entries.length === 0)
    throw new UsageError(`${folder} holds no images`, { code: "not-found" });
  return entries;
}

/** Reads and decodes one image. */
async function imageOf(path: string, from: DataFiles, rules: ImageRules): Promise<DecodedImage> {
  const bytes = await from.read(path);
  if (bytes === undefined)
    throw new UsageError(`${path} was removed while the data set was read`, { code: "not-found" });
  try {
    return await from.decode(bytes, rules);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
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
  const size = count * sizeOf(shape);
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
    const row = sizeOf(like.shape);
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

/** Folders of the splits; `test` is null if one folder serves as both. */
interface Splits {
  readonly train: string;
  readonly test: string | null;
}

/** Finds the splits of a data set by the names of its folders. */
async function splitsOf(path: string, from: DataFiles): Promise<Splits> {
  const top = await namesIn(path, from);
  const [train, test] = [splitFolder(top, TRAIN_FOLDERS), splitFolder(top, TEST_FOLDERS)];
  if (train !== undefined && test !== undefined)
    return { train: `${path}/${train}`, test: `${path}/${test}` };
  const folders = top.filter((name) => name.endsWith("/"));
  const [only] = [train, test].filter((name) => name !== undefined);
  // `photos/val/cat/1.png` alone is a data set without a split, not a data set with a class `val`.
  if (only !== undefined && folders.length === 1) {
    const inside = (await from.list(`${path}/${only}`)) ?? [];
    if (inside.some((name) => name.endsWith("/") && !isHidden(name)))
      return { train: `${path}/${only}`, test: null };
  }
  return { train: path, test: null };
}

/** Folder of each class in the test split; undefined for classes without one. */
async function testClasses(
  test: string,
  train: string,
  classes: readonly string[],
  from: DataFiles,
): Promise<(string | undefined)[]> {
  const folders = await classesIn(test, from);
  const names = classes.map(composed);
  const unknown = folders.find((name) => !names.includes(composed(name)));
  if (unknown !== undefined)
    throw new UsageError(`${test}/${unknown} is a class that ${train} does not have`, {
      code: "misfit",
    });
  return names.map((name) => folders.find((folder) => composed(folder) === name));
}

/**
 * Opens images in one folder per class, including subfolders. Class indices follow the order of the folders' code points.
 * Top-level folders `train` and `test` (or `val`, `valid`, `validation`, in any case) are the splits; without them all images
 * serve as both training and test images. Throws a UsageError for anything that is no image of the common size.
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
