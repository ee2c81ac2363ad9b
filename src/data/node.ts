import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { readdir, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Sharp } from "sharp";
import { makeFolder } from "../files/node.ts";
import { MAX_ARRAYS, MAX_IMAGE, MAX_TEXT, readBytesIfThere } from "../files/read/node.ts";
import { UsageError } from "../math/usage-error.ts";
import { checkDataset, type DataReport } from "./check.ts";
import type { DataFiles, DecodedImage, Image } from "./data-files.ts";
import type { Dataset } from "./dataset.ts";
import { type FetchEvent, fetchSource } from "./fetch.ts";
import { lookFor } from "./find.ts";
import { type FolderOptions, imagePattern } from "./folder.ts";
import { type ImageOptions, preparedBy } from "./image-options.ts";
import { type ImageRules, type ImageTrait, onBackground, pillowRules } from "./image-rules.ts";
import { type DownloadRecord, RECORD, unofficialNotes } from "./record.ts";
import { resizedDataset } from "./resized.ts";
import { type Source, sourceOf } from "./sources.ts";
import { namedData, openDataset, places, requireDataName } from "./table.ts";
import { decodeUncompressed } from "./uncompressed.ts";

/** Where this machine keeps data sets. */
export interface NodeDataOptions {
  /** Looked in first; then come $RAMPART_DATA and ~/.cache/rampart/data. */
  readonly dataDir?: string | undefined;
}

const md5 = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** Undefined for what does not exist; what may not be read is the user's to fix. */
async function ifThere<T>(path: string, read: () => Promise<T>): Promise<T | undefined> {
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

/** Pixels that an image may have; sharp's own limit is four times as many. */
const MAX_PIXELS = 2 ** 26;

/** libvips' readers of images; those of drawings and documents stay shut, whatever a file's name says it is. */
const readers = ["Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Heif"];

async function decoder() {
  const { default: sharp } = await import("sharp");
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: readers.map((name) => `VipsForeignLoad${name}`) });
  return sharp;
}

/** Levels of a CMYK image as Pillow converts them, without a profile. */
function fromCmyk(data: Uint8Array, at: number, channel: number): number {
  const light = 255 - data[at + 3];
  const product = data[at + channel] * light + 128;
  return Math.max(0, light - ((product + (product >> 8)) >> 8));
}

/** An image in the libraries' raw form: samples [height, width, channel]. */
interface Raw {
  readonly data: Uint8Array;
  readonly info: { readonly width: number; readonly height: number; readonly channels: number };
}

/** Planes of red, green and blue; `level` gives one of the pixel whose samples begin at `at`. */
function planes({ info }: Raw, level: (at: number, channel: number) => number): Image {
  const { width, height, channels } = info;
  const area = width * height;
  const pixels = new Uint8Array(3 * area);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < area; i++) pixels[c * area + i] = level(i * channels, c);
  return { shape: [3, height, width], pixels };
}

/** Grey of 16 bits: clipped at 255 as Pillow does, or divided by 257. */
async function grey16(image: Sharp, { imageGrey16 }: ImageRules): Promise<Image> {
  const raw = await image
    .toColourspace("grey16")
    .raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true });
  const { buffer, byteOffset, byteLength } = raw.data;
  const levels = new Uint16Array(buffer.slice(byteOffset, byteOffset + byteLength));
  const scales = imageGrey16 === "scale";
  return planes(raw, (at) => (scales ? Math.round(levels[at] / 257) : Math.min(levels[at], 255)));
}

/** An image as Pillow's convert("RGB") has it, unless the rules say otherwise. */
async function decode(bytes: Uint8Array, rules: ImageRules = pillowRules): Promise<DecodedImage> {
  const plain = decodeUncompressed(bytes);
  if (plain !== null) return { ...plain, traits: [] };
  const sharp = await decoder();
  const input = sharp(bytes, { limitInputPixels: MAX_PIXELS, ignoreIcc: true });
  const { space, depth, channels, orientation = 1 } = await input.metadata();
  const image = rules.imageExif === "apply" ? input.autoOrient() : input;
  const traits: ImageTrait[] = orientation === 1 ? [] : ["exif"];
  if (space === "grey16" && depth === "ushort" && channels === 1)
    return { ...(await grey16(image, rules)), traits: [...traits, "grey16"] };
  if (space === "cmyk") {
    const raw = await image
      .pipelineColourspace("cmyk")
      .toColourspace("cmyk")
      .raw()
      .toBuffer({ resolveWithObject: true });
    const decoded = planes(raw, (at, channel) => fromCmyk(raw.data, at, channel));
    return { ...decoded, traits: [...traits, "cmyk"] };
  }
  const raw = await image.toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
  const { data, info } = raw;
  const count = info.channels;
  const alphaAt = count === 2 || count === 4 ? count - 1 : -1;
  const sees = alphaAt >= 0 && data.some((level, i) => i % count === alphaAt && level < 255);
  if (sees) traits.push("alpha");
  const background = rules.imageAlpha === "white" ? 255 : 0;
  const decoded = planes(raw, (at, channel) => {
    const level = data[at + (count < 3 ? 0 : channel)];
    if (!sees || rules.imageAlpha === "drop") return level;
    return onBackground(level, data[at + alphaAt], background);
  });
  return { ...decoded, traits };
}

/** Bytes that a file of a data set may have, by its ending. */
function limitOf(path: string): number {
  if (/\.json$/i.test(path)) return MAX_TEXT;
  return imagePattern.test(path) ? MAX_IMAGE : MAX_ARRAYS;
}

/** Fails if a folder of data sets is named that does not exist; other places would be looked in without a word. */
function requireDataDir(dataDir: string | undefined): void {
  if (dataDir === undefined || dataDir === "") return;
  const found = statSync(dataDir, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  throw new UsageError(
    `--data-dir ${dataDir} ${found === undefined ? "does not exist" : "is a file, not a folder"}; give the folder that holds the data sets, or leave it out`,
    { code: "not-found" },
  );
}

/** This machine's disk. */
export function nodeDataFiles({ dataDir }: NodeDataOptions = {}): DataFiles {
  requireDataDir(dataDir);
  const roots = [dataDir, process.env.RAMPART_DATA, join(homedir(), ".cache", "rampart", "data")];
  return {
    roots: roots.filter((root): root is string => root !== undefined && root !== ""),
    decode,
    read: async (path) => (await readBytesIfThere(path, limitOf(path))) ?? undefined,
    async list(path) {
      const entries = await ifThere(path, () => readdir(path, { withFileTypes: true }));
      if (entries === undefined) return undefined;
      return Promise.all(
        entries.map(async (entry) => {
          const linked = entry.isSymbolicLink()
            ? await ifThere(path, () => stat(join(path, entry.name)))
            : entry;
          return linked?.isDirectory() ? `${entry.name}/` : entry.name;
        }),
      );
    },
  };
}

/** The data set written `name` on the command line, from this machine's disk. */
export async function openDatasetNode(
  name: string,
  options: NodeDataOptions & FolderOptions = {},
): Promise<Dataset> {
  const from = nodeDataFiles(options);
  try {
    requireDataName(name);
  } catch (error) {
    throw error instanceof UsageError ? await pathMeant(name, error) : error;
  }
  return openDataset(name, from, options);
}

/** What to write for a file or folder that stands where a data set's name should; else the error itself. */
async function pathMeant(name: string, error: UsageError): Promise<UsageError> {
  const found = await ifThere(name, () => stat(name)).catch(() => undefined);
  if (found === undefined) return error;
  if (found.isDirectory())
    return new UsageError(
      `${name} is a folder; write folder:${name} for images in it, a sub-folder per class`,
      { code: "unknown-name" },
    );
  const kind = name.endsWith(".npz")
    ? `write npz:${name}`
    : "images are read from folder:PATH, npz:PATH or a data set's name";
  return new UsageError(`${name} is a file; ${kind}`, { code: "unknown-name" });
}

/** The same with its images read and sized as these options say; data that is no folder is resized once it is open. */
export async function openImagesNode(
  name: string,
  images: ImageOptions,
  options: NodeDataOptions & Pick<FolderOptions, "takes"> = {},
): Promise<Dataset> {
  const { rules = pillowRules, prepare } = preparedBy(images);
  if (prepare === undefined) return openDatasetNode(name, { ...options, rules });
  if (name.startsWith("folder:")) return openDatasetNode(name, { ...options, rules, prepare });
  return resizedDataset(await openDatasetNode(name, options), prepare);
}

/** Whether two ways to write DATA name the same files, however they are spelled: links and relative paths are resolved. */
export async function isSameData(a: string, b: string): Promise<boolean> {
  if (a === b) return true;
  const resolved = async (name: string) => {
    const [kind, ...rest] = name.split(":");
    if (rest.length === 0) return name;
    const path = resolve(rest.join(":"));
    return `${kind}:${(await ifThere(path, () => realpath(path))) ?? path}`;
  };
  return (await resolved(a)) === (await resolved(b));
}

/** Every named data set with the folder it lies in: null if it is not on this machine, `built in` if it needs none. */
export async function dataFound(
  options: NodeDataOptions = {},
): Promise<{ readonly name: string; readonly path: string | null }[]> {
  const from = nodeDataFiles(options);
  const found = async (name: string) =>
    Object.hasOwn(places, name) ? ((await lookFor(places[name], from)) ?? null) : "built in";
  return Promise.all(namedData.map(async (name) => ({ name, path: await found(name) })));
}

/** Reads every example of a data set; `path` is null for one that is not stored under a name. */
export async function checkDatasetNode(
  name: string,
  options: NodeDataOptions = {},
): Promise<DataReport & { readonly path: string | null }> {
  const from = nodeDataFiles(options);
  const report = checkDataset(await openDatasetNode(name, options));
  const path = Object.hasOwn(places, name) ? ((await lookFor(places[name], from)) ?? null) : null;
  const unofficial = path === null ? [] : await unofficialNotes(path, from, md5);
  return { ...report, path, notes: [...report.notes, ...unofficial] };
}

/** Puts verified files into `folder`: all at once if it is new, else one by one; never a part of a file. */
async function put(root: string, folder: string, files: ReadonlyMap<string, Uint8Array>) {
  const temporary = join(root, `.fetch-${process.pid}`);
  try {
    await makeFolder(temporary);
    for (const [name, bytes] of files)
      await writeFile(join(temporary, name), bytes, { flush: true });
    if ((await ifThere(folder, () => stat(folder))) === undefined) await rename(temporary, folder);
    else for (const name of files.keys()) await rename(join(temporary, name), join(folder, name));
  } catch (error) {
    if (
      ["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "ENOTDIR", "EEXIST"].includes(codeOf(error))
    )
      throw new UsageError(
        `${folder} cannot be written (${codeOf(error)}); choose another place with --data-dir`,
        { code: "cannot-write", cause: error },
      );
    throw error;
  } finally {
    // What went wrong before this matters more than what is left of it.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** How `fetchDataset` works. */
export interface NodeFetchOptions extends NodeDataOptions {
  /** A mirror, instead of the official address. */
  readonly address?: string;
  /** Other downloads than the official ones. */
  readonly source?: Source;
  readonly signal?: AbortSignal;
}

/**
 * Downloads an official data set into the first place where data sets are looked for, and yields progress. Nothing is
 * written before every checksum agrees.
 */
export async function* fetchDataset(
  name: string,
  { address, signal, source: given, ...options }: NodeFetchOptions = {},
): AsyncGenerator<FetchEvent, void> {
  const source = given ?? sourceOf(name);
  // A new folder may be named here: it is made.
  const [root] = options.dataDir ? [options.dataDir] : nodeDataFiles().roots;
  const files = yield* fetchSource(source, { md5, address, signal });
  const sums = Object.fromEntries([...files].map(([file, bytes]) => [file, md5(bytes)]));
  const record: DownloadRecord = { address: address ?? source.address, files: sums };
  const json = new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`);
  await put(root, join(root, name), new Map([...files, [RECORD, json]]));
  yield { event: "done", path: join(root, name), files: [...files.keys()] };
}
