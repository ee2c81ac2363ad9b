// Data sets on this machine's disk.
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { MAX_ARRAYS, MAX_IMAGE, MAX_TEXT, readBytesIfThere } from "../files/read/node.ts";
import { UsageError } from "../math/usage-error.ts";
import { checkDataset, type DataReport } from "./check.ts";
import type { DataFiles } from "./data-files.ts";
import { nameOf, partsOf } from "./data-name.ts";
import type { Dataset } from "./dataset.ts";
import { decodeImage } from "./decode/node.ts";
import { lookFor } from "./find.ts";
import { imagePattern } from "./folder-layout.ts";
import type { FolderOptions } from "./folder-options.ts";
import { type ImageOptions, preparedBy } from "./image-options.ts";
import { pillowRules } from "./image-rules.ts";
import { unofficialNotes } from "./record.ts";
import { resizedDataset } from "./resized.ts";
import {
  datasets,
  findDataset,
  openDataset,
  pathForms,
  placeOf,
  requireDataName,
} from "./table.ts";

/** Where data sets are looked for. */
export interface NodeDataOptions {
  /** First folder to look in, before $RAMPART_DATA and ~/.cache/rampart/data. */
  readonly dataDir?: string | undefined;
}

/** MD5 in hexadecimal, as publishers state it. */
export const md5 = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");

/** Code of an error of the file system, such as ENOENT; empty for other errors. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** The value of `read`; undefined if the path does not exist. Throws a UsageError if it may not be read. */
export async function ifExists<T>(path: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return undefined;
    if (["EACCES", "EPERM", "EISDIR", "EIO"].includes(codeOf(error)))
      throw new UsageError(`${path} cannot be read (${codeOf(error)})`, {
        code: "bad-file",
        cause: error,
      });
    throw error;
  }
}

/** Largest size of a file in a data set, in bytes, by its extension. */
function limitOf(path: string): number {
  if (/\.json$/i.test(path)) return MAX_TEXT;
  return imagePattern.test(path) ? MAX_IMAGE : MAX_ARRAYS;
}

/** Refuses a `dataDir` that is not a folder. Otherwise the next places would be searched silently. */
function requireDataDir(dataDir: string | undefined): void {
  if (dataDir === undefined || dataDir === "") return;
  const found = statSync(dataDir, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  const problem = found === undefined ? "does not exist" : "is a file, not a folder";
  throw new UsageError(
    `--data-dir ${dataDir} ${problem}; give the folder that holds the data sets, or leave it out`,
    { code: "not-found" },
  );
}

/** Names in a folder, those of folders (and of links to folders) ending in a slash; undefined if there is no such folder. */
async function listFolder(path: string): Promise<string[] | undefined> {
  const entries = await ifExists(path, () => readdir(path, { withFileTypes: true }));
  if (entries === undefined) return undefined;
  return Promise.all(
    entries.map(async (entry) => {
      const target = entry.isSymbolicLink()
        ? await ifExists(path, () => stat(join(path, entry.name)))
        : entry;
      return target?.isDirectory() ? `${entry.name}/` : entry.name;
    }),
  );
}

/** The files of this machine's disk. Throws a UsageError if `dataDir` is given and is not a folder. */
export function nodeDataFiles({ dataDir }: NodeDataOptions = {}): DataFiles {
  requireDataDir(dataDir);
  const roots = [dataDir, process.env.RAMPART_DATA, join(homedir(), ".cache", "rampart", "data")];
  return {
    roots: roots.filter((root): root is string => root !== undefined && root !== ""),
    decode: decodeImage,
    read: async (path) => (await readBytesIfThere(path, limitOf(path))) ?? undefined,
    list: listFolder,
  };
}

/** Opens the data set written `name` on the command line (see `dataForms`) from this machine's disk. */
export async function openDatasetInNode(
  name: string,
  { dataDir, ...options }: NodeDataOptions & FolderOptions = {},
): Promise<Dataset> {
  const from = nodeDataFiles({ dataDir });
  try {
    requireDataName(name);
  } catch (error) {
    throw error instanceof UsageError ? await withPathAdvice(name, error) : error;
  }
  return openDataset(name, from, options);
}

/** A better error if `name` is a path: says how to write it as a data set. Otherwise the error itself. */
async function withPathAdvice(name: string, error: UsageError): Promise<UsageError> {
  const found = await ifExists(name, () => stat(name)).catch(() => undefined);
  if (found === undefined) return error;
  if (found.isDirectory())
    return new UsageError(
      `${name} is a folder; write folder:${name} for images in it, a sub-folder per class`,
      { code: "unknown-name" },
    );
  const advice = name.endsWith(".npz")
    ? `write npz:${name}`
    : `images are read from ${pathForms().join(", ")} or a data set's name`;
  return new UsageError(`${name} is a file; ${advice}`, { code: "unknown-name" });
}

/**
 * Opens a data set with its images read and sized by these options. Images of a folder are sized while they are read, those
 * of other data sets whenever they are asked for.
 */
export async function openImagesInNode(
  name: string,
  images: ImageOptions,
  options: NodeDataOptions & Pick<FolderOptions, "takes"> = {},
): Promise<Dataset> {
  const { rules = pillowRules, prepare } = preparedBy(images);
  if (prepare === undefined) return openDatasetInNode(name, { ...options, rules });
  if (findDataset(name)?.resizes === true)
    return openDatasetInNode(name, { ...options, rules, prepare });
  return resizedDataset(await openDatasetInNode(name, options), prepare);
}

/** Whether two names mean the same files, after links and relative paths are resolved. */
export async function isSameData(a: string, b: string): Promise<boolean> {
  if (a === b) return true;
  const resolved = async (name: string) => {
    const definition = findDataset(name);
    if (definition?.path === undefined) return name;
    const { path: typed, options } = partsOf(definition, name);
    const path = resolve(typed);
    const found = (await ifExists(path, () => realpath(path))) ?? path;
    return nameOf(definition, found, options);
  };
  return (await resolved(a)) === (await resolved(b));
}

/** Folder of a named data set; null if it is not on this machine, or is not stored in files. */
async function folderOf(name: string, from: DataFiles): Promise<string | null> {
  const place = placeOf(name);
  return place === undefined ? null : ((await lookFor(place, from)) ?? null);
}

/** Every named data set with its folder: null if it is not on this machine, `built in` if it needs no files. */
export async function dataFound(
  options: NodeDataOptions = {},
): Promise<{ readonly name: string; readonly path: string | null }[]> {
  const from = nodeDataFiles(options);
  return Promise.all(
    datasets.all
      .filter(({ path }) => path === undefined)
      .map(async ({ name, place }) => ({
        name,
        path: place === undefined ? "built in" : await folderOf(name, from),
      })),
  );
}

/** Reads and checks every example of a data set; `path` is null for a data set without a folder. */
export async function checkDatasetInNode(
  name: string,
  options: NodeDataOptions = {},
): Promise<DataReport & { readonly path: string | null }> {
  const from = nodeDataFiles(options);
  const report = checkDataset(await openDatasetInNode(name, options));
  const path = await folderOf(name, from);
  const unofficial = path === null ? [] : await unofficialNotes(path, from, md5);
  return { ...report, path, notes: [...report.notes, ...unofficial] };
}
