// Data sets in .npz files: arrays of images and labels.
import type { Note, OnNote } from "../math/note.ts";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { DataFiles } from "./data-files.ts";
import type { Dataset } from "./dataset.ts";
import { defineDataset } from "./define-dataset.ts";
import type { Npy } from "./npy.ts";
import { parseNpz } from "./npz.ts";
import { channelStatistics, type Examples, splitOf } from "./splits.ts";

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
  const pixels = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    const clipped = Math.min(Math.max(value, 0), 1);
    if (clipped !== value) clippedCount++;
    if (Math.abs(value - clipped) > Math.abs(furthest)) furthest = value - clipped;
    pixels[i] = clipped;
  }
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

/** An .npz file as arrays by name. */
interface NpzArrays {
  readonly path: string;
  readonly arrays: ReadonlyMap<string, Npy>;
}

/** The array of this name. Throws `UsageError` that lists the arrays of the file if there is none. */
function arrayOf({ path, arrays }: NpzArrays, name: string): Npy {
  const found = arrays.get(name);
  if (found !== undefined) return found;
  const names = [...arrays.keys()].join(", ");
  throw new UsageError(
    `${path} has no array ${name}, ${names === "" ? "nor any other" : `only ${names}`}; save x and y, or x_train, y_train, x_test and y_test`,
    { code: "bad-file" },
  );
}

/** The images and labels of one split, with the shape of an image. */
type ShapedExamples = Examples & { readonly shape: Shape };

/** The examples in the arrays `x` and `y`, or `x_train` and so on if `suffix` is `_train`. */
function examplesOf(file: NpzArrays, suffix: string, note: OnNote): ShapedExamples {
  const { path } = file;
  const images = arrayOf(file, `x${suffix}`);
  const imagesName = `${path}: x${suffix}`;
  const { shape, isChannelsLast } = layoutOf(imagesName, images.shape);
  const pixels = pixelsOf(imagesName, images, note);
  const labels = labelsOf(`${path}: y${suffix}`, arrayOf(file, `y${suffix}`), images.shape[0]);
  if (labels.length === 0)
    throw new UsageError(`${imagesName} holds no images`, { code: "bad-file" });
  return { shape, labels, pixels: isChannelsLast ? channelsFirst(pixels, shape) : pixels };
}

function requireSameShape(path: string, train: Shape, test: Shape): void {
  if (test.join() !== train.join())
    throw new UsageError(
      `${path}: x_test has images of [${test.join(", ")}], x_train of [${train.join(", ")}]; they must agree`,
      { code: "bad-file" },
    );
}

/** Class names from the array `classes` (text), or else the labels 0, 1, 2 and so on, up to `highest`. */
function classNames(file: NpzArrays, highest: number): string[] {
  if (!file.arrays.has("classes"))
    return Array.from({ length: highest + 1 }, (_, label) => String(label));
  const classes = Array.from(arrayOf(file, "classes").data, String);
  if (classes.length <= highest)
    throw new UsageError(`${file.path} names ${classes.length} classes, but has label ${highest}`, {
      code: "bad-file",
    });
  return classes;
}

/**
 * Opens an .npz file with arrays `x_train`, `y_train`, `x_test`, `y_test`, or with `x` and `y`, which serve as both training
 * and test images. Class names come from the array `classes` (text), or are the labels 0, 1, 2 and so on. Throws
 * `UsageError` for a missing file, and for arrays that are missing or do not fit.
 */
export async function openNpz(path: string, from: DataFiles): Promise<Dataset> {
  const bytes = await from.read(path);
  if (bytes === undefined)
    throw new UsageError(`${path}: there is no such file`, { code: "not-found" });
  const file: NpzArrays = { path, arrays: parseNpz(path, bytes) };
  const notes: Note[] = [];
  const note = (added: Note) => void notes.push(added);
  const [trainSuffix, testSuffix] = file.arrays.has("x") ? ["", ""] : ["_train", "_test"];
  const train = examplesOf(file, trainSuffix, note);
  const test = testSuffix === trainSuffix ? train : examplesOf(file, testSuffix, note);
  const { shape } = train;
  requireSameShape(path, shape, test.shape);
  const highest = [...train.labels, ...test.labels].reduce((a, b) => Math.max(a, b), 0);
  const classes = classNames(file, highest);
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
