import { type UnzipFileInfo, unzipSync, zipSync } from "fflate";
import { otherKind } from "../files/kind.ts";
import { crc32 } from "../math/crc32.ts";
import type { Note, OnNote } from "../math/note.ts";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { DataFiles } from "./data-files.ts";
import type { Dataset } from "./dataset.ts";
import { defineDataset } from "./define-dataset.ts";
import { type Npy, type NpyData, npyBytes, parseNpy } from "./npy.ts";
import { channelStatistics, type Examples, splitOf } from "./splits.ts";
import { type ZipEntry, zipEntries } from "./zip.ts";

/** Largest number of arrays in a file. */
const MAX_ARRAYS = 1000;
/** Largest unpacked size of a small file, in bytes. */
const MAX_BYTES = 2 ** 28;
/** Largest compression ratio of a larger file. */
const MAX_RATIO = 32;

/**
 * A filter for the entries of a zip file's directory that throws a UsageError for a zip bomb, before anything is unpacked.
 * `stored` is the size of the file in bytes.
 */
function refuseBombs(path: string, stored: number): (entry: UnzipFileInfo) => boolean {
  const limit = Math.max(MAX_BYTES, MAX_RATIO * stored);
  const names = new Set<string>();
  let [packed, unpacked] = [0, 0];
  const refuse = (what: string) => {
    throw new UsageError(
      `${path} (${stored} bytes) ${what}; it is damaged, or was made to exhaust this machine, so write it again with numpy.savez`,
      { code: "bad-file" },
    );
  };
  return ({ name, size, originalSize }) => {
    if (names.has(name)) refuse(`holds two arrays ${JSON.stringify(name.slice(0, 60))}`);
    names.add(name);
    packed += size;
    unpacked += originalSize;
    if (names.size > MAX_ARRAYS) refuse(`holds more than ${MAX_ARRAYS} arrays`);
    if (packed > stored) refuse(`states that its arrays take ${packed} bytes of it`);
    if (unpacked > limit)
      refuse(`unpacks to ${unpacked} bytes or more, where ${limit} are allowed`);
    return true;
  };
}

/** Compares the unpacked arrays with the directory of the file, by name and CRC-32. */
function requireUndamaged(
  path: string,
  bytes: Uint8Array,
  unpacked: Readonly<Record<string, Uint8Array>>,
): void {
  const refuse = (why: string, cause?: unknown): never => {
    throw new UsageError(
      `${path} (${bytes.length} bytes) is damaged: ${why}; write it again with numpy.savez, or copy it anew`,
      { code: "bad-file", cause },
    );
  };
  let stated: readonly ZipEntry[] = [];
  try {
    stated = zipEntries(bytes);
  } catch (cause) {
    if (cause instanceof RangeError) refuse("its directory leads out of the file", cause);
    refuse((cause as Error).message, cause);
  }
  const contents = new Map(Object.entries(unpacked));
  if (stated.length !== contents.size) refuse("its directory names other arrays than it holds");
  for (const { name, crc } of stated) {
    const array = contents.get(name);
    if (array === undefined || crc32(array) !== crc)
      refuse(`the CRC-32 of ${name} does not match its contents`);
  }
}

/** Parses an .npz file into arrays by name. Throws a UsageError that calls the file `path`. */
export function parseNpz(path: string, bytes: Uint8Array): ReadonlyMap<string, Npy> {
  let entries: Readonly<Record<string, Uint8Array>>;
  try {
    entries = unzipSync(bytes, { filter: refuseBombs(path, bytes.length) });
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(
      otherKind(path, bytes, "an .npz file of arrays", ["npz", "zip"]) ??
        `${path} (${bytes.length} bytes) is not an .npz file, or is truncated; write it with numpy.savez`,
      { code: "bad-file", cause },
    );
  }
  requireUndamaged(path, bytes, entries);
  return new Map(
    Object.entries(entries).map(([file, array]) => {
      const name = file.replace(/\.npy$/, "");
      return [name, parseNpy(`${path}: ${name}`, array)];
    }),
  );
}

/** Time stamp of every entry, fixed so that equal arrays give equal files. */
const TIME = new Date(1980, 0, 1, 12);

/** An array to be written. */
export interface NamedArray {
  readonly data: NpyData;
  readonly shape: readonly number[];
}

/** Encodes arrays as an .npz file that numpy.load reads. */
export const npzBytes = (arrays: Readonly<Record<string, NamedArray>>): Uint8Array =>
  zipSync(
    Object.fromEntries(
      Object.entries(arrays).map(([name, { data, shape }]) => [
        `${name}.npy`,
        npyBytes(data, shape),
      ]),
    ),
    { level: 1, mtime: TIME },
  );

/**
 * Shape of one image [c, h, w] from [n, h, w], [n, c, h, w] or, if only the last axis can be the channels (1 or 3),
 * [n, h, w, c]; `isChannelsLast` in the last case.
 */
function layoutOf(
  name: string,
  shape: readonly number[],
): { readonly shape: Shape; readonly isChannelsLast: boolean } {
  const isChannels = (length: number) => length === 1 || length === 3;
  const [, a, b, c] = shape;
  if (shape.slice(1).includes(0))
    throw new UsageError(`${name} has shape [${shape.join(", ")}]: its images have no pixels`, {
      code: "bad-file",
    });
  if (shape.length === 3) return { shape: [1, a, b], isChannelsLast: false };
  if (shape.length === 4 && isChannels(a)) return { shape: [a, b, c], isChannelsLast: false };
  if (shape.length === 4 && isChannels(c)) return { shape: [c, a, b], isChannelsLast: true };
  throw new UsageError(
    `${name} has shape [${shape.join(", ")}]; images are [n, height, width], [n, channels, height, width] or [n, height, width, channels], with 1 or 3 channels`,
    { code: "bad-file" },
  );
}

/** Moves channels from the last axis to the first of each image. */
function channelsFirst<T extends Uint8Array | Float32Array>(
  pixels: T,
  [channels, height, width]: Shape,
): T {
  const out = pixels.slice() as T;
  const area = height * width;
  for (let i = 0; i < pixels.length; i++) {
    const [example, inside] = [Math.floor(i / (area * channels)), i % (area * channels)];
    const [pixel, channel] = [Math.floor(inside / channels), inside % channels];
    out[(example * channels + channel) * area + pixel] = pixels[i];
  }
  return out;
}

/** Largest distance from [0, 1] that rounding can explain, for example in float16: a quarter of an 8-bit level. */
const ROUNDING = 1e-3;

/** Index of an element for messages, `[3, 0, 1, 2]`, from its offset in C order. */
function indexText(offset: number, shape: readonly number[]): string {
  let rest = offset;
  const index = shape.map(() => 0);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return `[${index.join(", ")}]`;
}

/** Pixels in [0, 1], or bytes. Values outside by rounding are clipped, and `note` is called about them. */
function pixelsOf(
  name: string,
  { data, type, shape }: Npy,
  note: OnNote,
): Uint8Array | Float32Array {
  if (type === "u1" && data instanceof Uint8Array) return data;
  if (
    (type !== "f2" && type !== "f4" && type !== "f8") ||
    !(data instanceof Float32Array || data instanceof Float64Array)
  )
    throw new UsageError(
      `${name} has elements of type ${type}; save pixels as uint8 in 0 … 255, or as float32 in [0, 1]`,
      { code: "bad-file" },
    );
  const wrong = data.findIndex((value) => !(value >= -ROUNDING && value <= 1 + ROUNDING));
  if (wrong >= 0) {
    const row = Math.floor(wrong / (data.length / shape[0]));
    throw new UsageError(
      `${name}, row ${row}: value ${data[wrong]}, but pixels are in [0, 1]; ${data[wrong] > 1 ? "divide by 255, or save uint8" : "undo the normalisation: mean and std belong to the model"} (element ${indexText(wrong, shape)})`,
      { code: "bad-file" },
    );
  }
  let clippedCount = 0;
  let furthest = 0;
  const pixels = Float32Array.from(data, (value) => {
    const clipped = Math.min(Math.max(value, 0), 1);
    if (clipped !== value) clippedCount++;
    if (Math.abs(value - clipped) > Math.abs(furthest)) furthest = value - clipped;
    return clipped;
  });
  if (clippedCount > 0)
    note({
      code: "clipped-pixels",
      text: `${name}: ${clippedCount} of ${data.length} pixels lie outside [0, 1] by rounding (by ${furthest.toPrecision(3)} at most), and are clipped`,
    });
  return pixels;
}

/** Class indices of `count` images. */
function labelsOf(name: string, { data, shape, type }: Npy, count: number): Int32Array {
  const flat = shape.length === 1 || (shape.length === 2 && shape[1] === 1);
  if (!flat || shape[0] !== count || Array.isArray(data))
    throw new UsageError(
      `${name} has shape [${shape.join(", ")}] and type ${type}; ${count} images need [${count}] whole numbers, one class index each`,
      { code: "bad-file" },
    );
  const labels = Float64Array.from(data as ArrayLike<number>);
  const wrong = labels.findIndex(
    (label) => !Number.isInteger(label) || label < 0 || label > 99_999,
  );
  if (wrong >= 0)
    throw new UsageError(
      `${name}, row ${wrong}: label ${labels[wrong]} is not a class index 0, 1, 2 …`,
      { code: "bad-file" },
    );
  return Int32Array.from(labels);
}

/**
 * Opens an .npz file with arrays `x_train`, `y_train`, `x_test`, `y_test`, or with `x` and `y`, which serve as both training
 * and test images. Class names come from the array `classes` (text), or are the labels 0, 1, 2 and so on.
 */
export async function openNpz(path: string, from: DataFiles): Promise<Dataset> {
  const bytes = await from.read(path);
  if (bytes === undefined)
    throw new UsageError(`${path}: there is no such file`, { code: "not-found" });
  const arrays = parseNpz(path, bytes);
  const array = (name: string): Npy => {
    const found = arrays.get(name);
    if (found !== undefined) return found;
    const names = [...arrays.keys()].join(", ");
    throw new UsageError(
      `${path} has no array ${name}, ${names === "" ? "nor any other" : `only ${names}`}; save x and y, or x_train, y_train, x_test and y_test`,
      { code: "bad-file" },
    );
  };
  const notes: Note[] = [];
  const examples = (suffix: string): Examples & { readonly shape: Shape } => {
    const [x, y] = [`x${suffix}`, `y${suffix}`];
    const { shape, isChannelsLast } = layoutOf(`${path}: ${x}`, array(x).shape);
    const pixels = pixelsOf(`${path}: ${x}`, array(x), (note) => notes.push(note));
    const labels = labelsOf(`${path}: ${y}`, array(y), array(x).shape[0]);
    if (labels.length === 0)
      throw new UsageError(`${path}: ${x} holds no images`, { code: "bad-file" });
    return { shape, labels, pixels: isChannelsLast ? channelsFirst(pixels, shape) : pixels };
  };
  const [trainSuffix, testSuffix] = arrays.has("x") ? ["", ""] : ["_train", "_test"];
  const train = examples(trainSuffix);
  const test = testSuffix === trainSuffix ? train : examples(testSuffix);
  const { shape } = train;
  if (test.shape.join() !== shape.join())
    throw new UsageError(
      `${path}: x_test has images of [${test.shape.join(", ")}], x_train of [${shape.join(", ")}]; they must agree`,
      { code: "bad-file" },
    );
  const highest = [...train.labels, ...test.labels].reduce((a, b) => Math.max(a, b), 0);
  const classes = arrays.has("classes")
    ? Array.from(array("classes").data, String)
    : Array.from({ length: highest + 1 }, (_, label) => String(label));
  if (classes.length <= highest)
    throw new UsageError(`${path} names ${classes.length} classes, but has label ${highest}`, {
      code: "bad-file",
    });
  const trained = splitOf(train, shape);
  return {
    name: `npz:${path}`,
    shape,
    classes,
    ...channelStatistics(train, shape),
    train: trained,
    test: test === train ? trained : splitOf(test, shape),
    notes,
  };
}

/** NumPy arrays of images and labels. Labels are outputs of a network, and not all outputs need to occur. */
export const npz = defineDataset({
  name: "npz",
  text: "your own arrays x and y",
  source: "your own file",
  path: "file",
  labels: "outputs",
  open: (from, path) => openNpz(path, from),
});
