import { type Shape, sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { DataFiles, Picture } from "./data-files.ts";
import type { Dataset } from "./dataset.ts";
import { channelStatistics, type Examples, splitOf } from "./splits.ts";

const picturePattern = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;
const hidden = (name: string) => /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX\/)/i.test(name);

/** What is done to each picture of a folder before it is looked at. */
export interface FolderOptions {
  /** Resizes or crops, so that all pictures get one size; by default they must have one. */
  readonly prepare?: (picture: Picture) => Picture;
  /** Pictures of each split that are read at most, the first ones. */
  readonly most?: number;
}

/** One picture to read. */
interface Entry {
  readonly path: string;
  readonly label: number;
}

const sizeText = ([, height, width]: Shape) => `${width}×${height}`;

async function namesIn(folder: string, from: DataFiles): Promise<string[]> {
  const names = await from.list(folder);
  if (names === undefined) throw new UsageError(`${folder}: there is no such folder`);
  return names.filter((name) => !hidden(name)).sort();
}

/** The class folders of `folder`, in the order of their code points. */
async function classesIn(folder: string, from: DataFiles): Promise<string[]> {
  const names = await namesIn(folder, from);
  const loose = names.find((name) => picturePattern.test(name));
  if (loose !== undefined)
    throw new UsageError(
      `${folder}/${loose} is in no class; move it into a folder named after its class`,
    );
  const classes = names.filter((name) => name.endsWith("/")).map((name) => name.slice(0, -1));
  if (classes.length === 0)
    throw new UsageError(
      `${folder} holds no folders; make one per class, with its pictures inside`,
    );
  return classes;
}

/** The pictures of a split: the first of each class, then the second of each …, so that any beginning is a fair sample. */
async function entriesIn(
  folder: string,
  classes: readonly string[],
  from: DataFiles,
  most?: number,
): Promise<Entry[]> {
  const columns: Entry[][] = [];
  for (const [label, name] of classes.entries()) {
    const inside = await from.list(`${folder}/${name}`);
    const files = (inside ?? []).filter((file) => !hidden(file)).sort();
    const stranger = files.find((file) => !picturePattern.test(file));
    if (stranger !== undefined)
      throw new UsageError(
        `${folder}/${name}/${stranger} is not a picture (JPEG, PNG, WebP, GIF, TIFF or AVIF); move it away`,
      );
    if (inside !== undefined && files.length === 0)
      throw new UsageError(`${folder}/${name} holds no pictures; fill it, or remove it`);
    columns.push(files.map((file) => ({ path: `${folder}/${name}/${file}`, label })));
  }
  const longest = columns.reduce((most, column) => Math.max(most, column.length), 0);
  return Array.from({ length: longest }, (_, i) =>
    columns.flatMap((column) => column.slice(i, i + 1)),
  )
    .flat()
    .slice(0, most);
}

async function pictureOf(path: string, from: DataFiles): Promise<Picture> {
  const bytes = await from.read(path);
  if (bytes === undefined) throw new UsageError(`${path} has gone away`);
  try {
    return await from.decode(bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(
      `${path} (${bytes.length} bytes) cannot be decoded: ${why}; replace or remove it`,
      {
        cause,
      },
    );
  }
}

/** Bytes that all pictures of a split may take together. */
const MOST_BYTES = 2 ** 32;

function room(count: number, shape: Shape, path: string): Uint8Array<ArrayBuffer> {
  const size = count * sizeOf(shape);
  if (size > MOST_BYTES)
    throw new UsageError(
      `${count} pictures of ${sizeText(shape)} as ${path} is take ${size} bytes, more than ${MOST_BYTES}; resize them, or use fewer`,
    );
  return new Uint8Array(size);
}

/** Decodes all pictures, which must have the size of the first one, or of `wanted`. */
async function examplesOf(
  entries: readonly Entry[],
  from: DataFiles,
  { prepare = (picture) => picture }: FolderOptions,
  wanted?: { readonly path: string; readonly shape: Shape },
): Promise<Examples & { readonly path: string; readonly shape: Shape }> {
  let like = wanted;
  let pixels = new Uint8Array();
  for (const [i, { path }] of entries.entries()) {
    const picture = prepare(await pictureOf(path, from));
    like ??= { path, shape: picture.shape };
    const row = sizeOf(like.shape);
    if (i === 0) pixels = room(entries.length, picture.shape, path);
    if (picture.shape.join() !== like.shape.join())
      throw new UsageError(
        `${path} is ${sizeText(picture.shape)} pixels, but ${like.path} is ${sizeText(like.shape)}; all pictures must have one size, so resize or crop them first`,
      );
    pixels.set(picture.pixels, i * row);
  }
  if (like === undefined) throw new Error("internal: a folder without pictures");
  return { ...like, pixels, labels: Int32Array.from(entries, ({ label }) => label) };
}

/**
 * Pictures in one folder per class; a class's index is its place in the order of code points. With folders `train` and
 * `test` (or `val`) at the top these are the splits, otherwise all pictures serve as both training and test pictures.
 */
export async function openFolder(
  path: string,
  from: DataFiles,
  options: FolderOptions = {},
): Promise<Dataset> {
  const top = await namesIn(path, from);
  const held = ["test", "val"].find((name) => top.includes(`${name}/`));
  const isSplit = top.includes("train/") && held !== undefined;
  const folder = isSplit ? `${path}/train` : path;
  const classes = await classesIn(folder, from);
  const train = await examplesOf(
    ...([await entriesIn(folder, classes, from, options.most), from, options] as const),
  );
  const { shape } = train;
  const trained = splitOf(train, shape);
  let test = trained;
  if (isSplit) {
    const unknown = (await classesIn(`${path}/${held}`, from)).find(
      (name) => !classes.includes(name),
    );
    if (unknown !== undefined)
      throw new UsageError(`${path}/${held}/${unknown} is a class that ${folder} does not have`);
    test = splitOf(
      await examplesOf(
        await entriesIn(`${path}/${held}`, classes, from, options.most),
        ...([from, options, train] as const),
      ),
      shape,
    );
  }
  return {
    ...{ name: `folder:${path}`, shape, classes, ...channelStatistics(train, shape) },
    ...{ train: trained, test },
  };
}
