import { type Shape, sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { DataFiles, DecodedImage, Image } from "./data-files.ts";
import type { Dataset, Split } from "./dataset.ts";
import { type ImageRules, type ImageTrait, pillowRules, traitNote } from "./image-rules.ts";
import { channelStatistics, type Examples, splitOf } from "./splits.ts";

/** Endings of the images that are read. */
export const imagePattern = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|avif|bmp|p[bgpn]m)$/i;
const hidden = (name: string) => /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX\/)/i.test(name);

/** Names of the folder that is trained on, and of those that are tested on, the preferred ones first. */
const TRAIN = ["train", "training"];
const HELD = ["test", "testing", "val", "valid", "validation"];

/** What is done to each image of a folder before it is looked at. */
export interface FolderOptions {
  /** Resizes or crops, so that all images get one size; by default they must have one. */
  readonly prepare?: (image: Image) => Image;
  /** Images of each split that are read at most, the first ones. */
  readonly most?: number;
  /** What becomes of transparency, orientation and 16-bit grey; by default what Pillow makes of them. */
  readonly rules?: ImageRules;
  /** [channel, height, width] that the network takes, for messages about images of other sizes. */
  readonly takes?: Shape | undefined;
}

/** One image to read. */
interface Entry {
  readonly path: string;
  readonly label: number;
}

/** How images get the size that a network takes: the shorter side resized, the middle cut out. */
function sizeAdvice(takes: Shape | undefined): string {
  if (takes === undefined)
    return "that of the network's input: give --resize and --crop, such as --resize 256 --crop 224";
  const [, height, width] = takes;
  const crop = height === width ? String(height) : `${height},${width}`;
  return `and the network takes ${sizeText(takes)}: give --resize ${Math.max(height, width)} --crop ${crop}`;
}

const sizeText = ([, height, width]: Shape) => `${width}×${height}`;

async function namesIn(folder: string, from: DataFiles): Promise<string[]> {
  const names = await from.list(folder);
  if (names === undefined)
    throw new UsageError(`${folder}: there is no such folder`, { code: "not-found" });
  return names.filter((name) => !hidden(name)).sort();
}

/** The folder among `names` that is called so, in any case; undefined if there is none. */
const splitFolder = (names: readonly string[], wanted: readonly string[]): string | undefined =>
  wanted
    .map((word) => names.find((name) => name.toLowerCase() === `${word}/`))
    .find((name) => name !== undefined)
    ?.slice(0, -1);

/** Names that letters with accents spell in two ways are one. */
const composed = (name: string): string => name.normalize("NFC");

/** The class folders of `folder`, in the order of their code points, as torchvision's ImageFolder has them. */
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
      `${folder} holds two folders whose name reads ${twice}, written in two ways (NFC and NFD); join them`,
      { code: "bad-file" },
    );
  return classes;
}

/** The images in a class folder and the folders inside it, in the order of torchvision's ImageFolder. */
async function filesIn(folder: string, from: DataFiles): Promise<string[] | undefined> {
  const inside = await from.list(folder);
  if (inside === undefined) return undefined;
  const names = inside.filter((name) => !hidden(name)).sort();
  const files = names.filter((name) => !name.endsWith("/"));
  const stranger = files.find((file) => !imagePattern.test(file));
  if (stranger !== undefined)
    throw new UsageError(
      `${folder}/${stranger} is not an image (JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP or PNM); move it away`,
      { code: "bad-file" },
    );
  const found = files.map((file) => `${folder}/${file}`);
  for (const name of names.filter((one) => one.endsWith("/")))
    for (const path of (await filesIn(`${folder}/${name.slice(0, -1)}`, from)) ?? [])
      found.push(path);
  return found;
}

/**
 * The images of a split: the first of each class, then the second of each …, so that any beginning is a fair sample.
 * A class may be empty in a split that is held out.
 */
async function entriesIn(
  folder: string,
  classes: readonly (string | undefined)[],
  from: DataFiles,
  { most, mayBeEmpty }: { readonly most: number | undefined; readonly mayBeEmpty: boolean },
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
    .slice(0, most);
  if (entries.length === 0)
    throw new UsageError(`${folder} holds no images`, { code: "not-found" });
  return entries;
}

async function imageOf(path: string, from: DataFiles, rules: ImageRules): Promise<DecodedImage> {
  const bytes = await from.read(path);
  if (bytes === undefined) throw new UsageError(`${path} has gone away`, { code: "not-found" });
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

/** Bytes that all images of a split may take together. */
const MAX_BYTES = 2 ** 32;

function room(count: number, shape: Shape, path: string): Uint8Array<ArrayBuffer> {
  const size = count * sizeOf(shape);
  if (size > MAX_BYTES)
    throw new UsageError(
      `${count} images of ${sizeText(shape)} as ${path} is take ${size} bytes, more than ${MAX_BYTES}; resize them, or use fewer`,
      { code: "misfit" },
    );
  return new Uint8Array(size);
}

/** Which images have a trait: how many, and the first. */
type Traits = Map<ImageTrait, { count: number; readonly first: string }>;

/** The images of a split. */
interface FolderExamples extends Examples {
  readonly path: string;
  readonly shape: Shape;
  readonly files: readonly string[];
}

/** Decodes all images, which must have the size of the first one, or of `wanted`; counts what is special in `traits`. */
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
      const known = traits.get(trait) ?? { count: 0, first: inside(path) };
      known.count++;
      traits.set(trait, known);
    }
    const image = prepare(decoded);
    like ??= { path, shape: image.shape };
    const row = sizeOf(like.shape);
    if (i === 0) pixels = room(entries.length, image.shape, path);
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

/** Where the splits lie: a folder to train on and one to test on, or one for both. */
interface Splits {
  readonly train: string;
  readonly held: string | null;
}

/** The splits of a folder by the names of the folders in it. */
async function splitsOf(path: string, from: DataFiles): Promise<Splits> {
  const top = await namesIn(path, from);
  const [train, held] = [splitFolder(top, TRAIN), splitFolder(top, HELD)];
  if (train !== undefined && held !== undefined)
    return { train: `${path}/${train}`, held: `${path}/${held}` };
  const folders = top.filter((name) => name.endsWith("/"));
  const [only] = [train, held].filter((name) => name !== undefined);
  // `photos/val/cat/1.png` alone is one set with its split's name in the path, and no class `val`.
  if (only !== undefined && folders.length === 1) {
    const inside = (await from.list(`${path}/${only}`)) ?? [];
    if (inside.some((name) => name.endsWith("/") && !hidden(name)))
      return { train: `${path}/${only}`, held: null };
  }
  return { train: path, held: null };
}

/** The folder of each class in the held-out split; undefined where it has none. */
async function heldClasses(
  held: string,
  train: string,
  classes: readonly string[],
  from: DataFiles,
): Promise<(string | undefined)[]> {
  const folders = await classesIn(held, from);
  const known = classes.map(composed);
  const unknown = folders.find((name) => !known.includes(composed(name)));
  if (unknown !== undefined)
    throw new UsageError(`${held}/${unknown} is a class that ${train} does not have`, {
      code: "misfit",
    });
  return known.map((name) => folders.find((folder) => composed(folder) === name));
}

/**
 * Images in one folder per class, and in folders inside it; a class's index is its place in the order of code points. With
 * folders `train` and `test` (or `val`, `valid`, `validation`, in any case) at the top these are the splits, otherwise all
 * images serve as both training and test images.
 */
export async function openFolder(
  path: string,
  from: DataFiles,
  options: FolderOptions = {},
): Promise<Dataset> {
  const { train: folder, held } = await splitsOf(path, from);
  const { most, rules = pillowRules } = options;
  const classes = await classesIn(folder, from);
  const traits: Traits = new Map();
  const entries = await entriesIn(folder, classes, from, { most, mayBeEmpty: false });
  const train = await examplesOf(path, entries, from, options, traits);
  const { shape } = train;
  const trained: Split = { ...splitOf(train, shape), files: train.files };
  let test = trained;
  if (held !== null) {
    const folders = await heldClasses(held, folder, classes, from);
    const tested = await entriesIn(held, folders, from, { most, mayBeEmpty: true });
    const examples = await examplesOf(path, tested, from, options, traits, train);
    test = { ...splitOf(examples, shape), files: examples.files };
  }
  return {
    name: `folder:${path}`,
    shape,
    classes: classes.map(composed),
    ...channelStatistics(train, shape),
    train: trained,
    test,
    notes: [...traits].map(([trait, { count, first }]) => traitNote(trait, count, first, rules)),
  };
}
