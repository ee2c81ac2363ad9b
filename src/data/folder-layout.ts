// The layout of an image folder: which folders are splits and classes, and which files are images of them.
import { UsageError } from "../math/usage-error.ts";
import type { DataFiles } from "./data-files.ts";

/** Matches the names of images that can be read. */
export const imagePattern = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|avif|bmp|p[bgpn]m)$/i;
/** Whether a name is a hidden file or a leftover of an operating system. */
const isHidden = (name: string) => /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX\/)/i.test(name);

/** Names of the training split's folder, preferred ones first. */
const TRAIN_FOLDERS = ["train", "training"];
/** Names of the test split's folder, preferred ones first. */
const TEST_FOLDERS = ["test", "testing", "val", "valid", "validation"];

/** One image to read. */
export interface Entry {
  readonly path: string;
  readonly label: number;
}

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
export const composed = (name: string): string => name.normalize("NFC");

/** Class folders in the order of their code points, as in torchvision's ImageFolder. */
export async function classesIn(folder: string, from: DataFiles): Promise<string[]> {
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
export async function entriesIn(
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

/** Folders of the splits; `test` is null if one folder serves as both. */
export interface Splits {
  readonly train: string;
  readonly test: string | null;
}

/** Finds the splits of a data set by the names of its folders. */
export async function splitsOf(path: string, from: DataFiles): Promise<Splits> {
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
export async function testClasses(
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
