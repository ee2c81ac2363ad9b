// The image input of an imported file: its shape, its layout, and the preprocessing of pixels.

import * as g from "../engine/graph/expressions.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Declared } from "../engine/onnx/model.ts";
import type { Note } from "../math/note.ts";
import { elementCount, type Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";

/** The preprocessing of pixels, which a file does not state. */
export interface Preprocessing {
  /** Subtracted from pixels in [0, 1], per channel or one for all. */
  readonly mean?: readonly number[];
  /** Divides the difference, per channel or one for all. */
  readonly std?: readonly number[];
  /** The value of white to the network: 1 or 255. By default 255 if the file takes integers, else 1. */
  readonly scale?: number;
  /** The order of the file's axes; by default inferred from the shape of its input. */
  readonly layout?: "nchw" | "nhwc";
  /** The file's order of three channels, in which mean and std are given. By default red, green, blue. */
  readonly channelOrder?: "rgb" | "bgr";
}

/** The preprocessing and the size of images. */
export interface ImageOptions extends Preprocessing {
  /**
   * [channel, height, width], needed if the file leaves it open. Three channels mean grey images if the file takes one
   * channel.
   */
  readonly shape?: Shape;
  /** The number of elements of an image, if the caller knows nothing else about its shape. */
  readonly numbers?: number;
  /** Whether inputs are the file's own numbers, not pixels. */
  readonly raw?: boolean;
}

/** The images of a file. */
export interface Image {
  /** [channel, height, width]. */
  readonly shape: Shape;
  readonly layout: "nchw" | "nhwc";
  /** The file's axes after the batch, if they are not channel, height and width; else empty. */
  readonly flatAxes: Shape;
}

type Length = number | string | null;

const isFixed = (n: Length): n is number => typeof n === "number" && n > 0;

/** The open axes, by the file's names or by index: `axis length and axis 2`. */
const openAxes = (lengths: readonly Length[], first = 1): string =>
  lengths
    .flatMap((n, i) => (isFixed(n) ? [] : [typeof n === "string" ? n : String(first + i)]))
    .map((name) => `axis ${name}`)
    .join(" and ");

/**
 * The lengths of a file's axes after the batch, if they are not channel, height and width. A single open length follows
 * from the number of elements of an image; two axes are the height and width of a grey image. Throws `UsageError` with
 * the axes' names.
 */
function flatAxesOf(input: Declared, declared: readonly Length[], shape: Shape): Shape {
  if (declared.every(isFixed)) return declared;
  const count = elementCount(shape);
  const rest = elementCount(declared.filter(isFixed));
  const openCount = declared.filter((n) => !isFixed(n)).length;
  if (openCount === 1 && count % rest === 0)
    return declared.map((n) => (isFixed(n) ? n : count / rest));
  const sides = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  if (sides.length === declared.length && declared.every((n, i) => !isFixed(n) || n === sides[i]))
    return sides;
  throw new UsageError(
    `the file leaves ${openAxes(declared)} of ${input.name} [${(input.shape ?? []).map((n) => n ?? "?").join(", ")}] open, and an image of [${shape.join(", ")}] does not fit into the others; state the image with --input-shape, or export the file with fixed lengths`,
    { code: "misfit" },
  );
}

/** The lengths of the axes after the batch, in the order of the file. */
const lengthsOf = ({ shape, layout, flatAxes }: Image): Shape => {
  if (flatAxes.length > 0 || shape.length !== 3) return flatAxes;
  return layout === "nhwc" ? [shape[1], shape[2], shape[0]] : shape;
};

/** The lengths that an image gives to the file's named open axes, by name. */
export const boundNames = (input: Declared, image: Image): Map<string, number> => {
  const lengths = lengthsOf(image);
  const names = new Map<string, number>();
  for (const [i, n] of (input.shape ?? []).slice(1).entries())
    if (typeof n === "string" && lengths[i] !== undefined) names.set(n, lengths[i]);
  return names;
};

/** Height or width if an example is suggested in a message. */
const EXAMPLE_SIDE = 224;

/** Largest number of channels: an axis this short at the end of three is taken for the channels. */
const MAX_CHANNELS = 4;

function layoutOf(declared: readonly Length[], { layout }: ImageOptions): Image["layout"] {
  if (layout !== undefined) return layout;
  const isShort = (n: Length) => isFixed(n) && n <= MAX_CHANNELS;
  return declared.length === 3 && isShort(declared[2]) && !isShort(declared[0]) ? "nhwc" : "nchw";
}

/** Whether three fixed axes hold one row of numbers, such as [1, 1, 784]: a flattened image. */
const isRow = (declared: readonly Length[]): boolean =>
  declared.length === 3 && declared.every(isFixed) && declared.filter((n) => n !== 1).length === 1;

/**
 * The shape of a file's images and their layout. Throws `UsageError` if an image of the options does not fit, or a
 * length is open.
 */
export function imageOf(input: Declared, options: ImageOptions): Image {
  const declared = (input.shape ?? [null, null, null, null]).slice(1);
  const layout = layoutOf(declared, options);
  const isSpatial = declared.length === 3;
  const ordered =
    layout === "nhwc" && isSpatial ? [declared[2], declared[0], declared[1]] : declared;
  if (options.shape !== undefined) {
    const shape = givenShape(ordered, options.shape);
    const isFlattened = !isSpatial || (isRow(declared) && ordered.join() !== shape.join());
    return { shape, layout, flatAxes: isFlattened ? flatAxesOf(input, declared, shape) : [] };
  }
  if (ordered.every(isFixed)) return { shape: ordered, layout, flatAxes: isSpatial ? [] : ordered };
  const { numbers } = options;
  if (!isSpatial && numbers !== undefined)
    return { shape: [numbers], layout, flatAxes: flatAxesOf(input, declared, [numbers]) };
  throw openSizeError(input, declared, ordered);
}

/**
 * The caller's shape as the file takes it, grey if the file takes one channel. Throws `UsageError` if it does not fit.
 */
function givenShape(ordered: readonly Length[], given: Shape): Shape {
  const [channels, ...sides] = given;
  const total = ordered.every(isFixed) ? elementCount(ordered) : null;
  const isOpenPlane = ordered.length === 2 && sides.length === 2 && total === null;
  const row = isRow(ordered);
  const isGrey =
    channels === 3 && ((ordered[0] === 1 && !row) || total === elementCount(sides) || isOpenPlane);
  const shape = isGrey ? [1, ...sides] : given;
  const differs =
    ordered.length === 3 && !row && ordered.some((n, i) => isFixed(n) && n !== shape[i]);
  if (!differs && (total === null || total === elementCount(shape))) return shape;
  throw new UsageError(
    `the file takes images of [${ordered.map((n) => n ?? "any").join(", ")}] and was given [${shape.join(", ")}]; bring them to that size (--resize and --crop do it)`,
    { code: "misfit" },
  );
}

function openSizeError(
  input: Declared,
  declared: readonly Length[],
  ordered: readonly Length[],
): UsageError {
  const lengths = (input.shape ?? ["?"]).map((n) => n ?? "?").join(", ");
  const example = ordered.map((n, i) => {
    if (isFixed(n)) return n;
    return ordered.length === 3 && i === 0 ? 3 : EXAMPLE_SIDE;
  });
  return new UsageError(
    `the file leaves the size of its images open (${openAxes(declared)}): ${input.name} [${lengths}]; state it with --input-shape, for example --input-shape ${example.join(",")}`,
    { code: "missing-option" },
  );
}

/**
 * The image shape [channel, height, width] that a file's input states; undefined if it is not an image or leaves a length
 * open.
 */
export function statedShape({ shape }: Pick<Declared, "shape">): Shape | undefined {
  const lengths = (shape ?? []).slice(1);
  if (lengths.length !== 3 || !lengths.every(isFixed)) return undefined;
  const [a, b, c] = lengths;
  return c <= 4 && a > 4 ? [c, a, b] : [a, b, c];
}

/** Whether a file's input takes integers, as bytes are; such a file normalises images itself. */
export const takesIntegers = ({ dtype }: Pick<Declared, "dtype">): boolean =>
  dtype === "int32" || dtype === "int64";

const scaleOf = (input: Declared, { scale, raw = false }: ImageOptions): number =>
  scale ?? (takesIntegers(input) && !raw ? 255 : 1);

/** The integer type of the file's own numbers; undefined for floats, and for pixels. */
export const integersOf = (
  { dtype }: Pick<Declared, "dtype">,
  { raw = false }: ImageOptions,
): "int32" | "int64" | undefined =>
  raw && (dtype === "int32" || dtype === "int64") ? dtype : undefined;

/** Notes on the image input that concern gradients. */
export const imageNotes = (input: Declared, options: ImageOptions): Note[] =>
  takesIntegers(input) && options.raw !== true
    ? [
        {
          code: "rounded-pixels",
          text: `the file's input ${input.name} takes whole numbers: pixels in [0, 1] are given to it times ${scaleOf(input, options)} and rounded, as bytes are; gradients through the rounding are approximate (straight-through) and taken at the rounded pixels`,
        },
      ]
    : [];

/**
 * Pixels [batch, ...shape] in [0, 1] as the file takes them. For a file of integers, floats are rounded, and their gradient
 * passes the rounding; integers stay what they are.
 */
export function preprocessed(
  x: Value,
  input: Declared,
  image: Image,
  options: ImageOptions,
): Value {
  const { mean, std } = options;
  const scale = scaleOf(input, options);
  let y = options.channelOrder === "bgr" ? reversedChannels(x, image) : x;
  if (mean !== undefined) y = g.sub(y, perChannel(mean, "mean", image));
  if (std !== undefined) {
    const inverse = std.map((s) => 1 / s);
    y = g.mul(y, perChannel(inverse, "std", image));
  }
  if (scale !== 1) y = g.mul(y, g.scalar(scale));
  if (takesIntegers(input) && x.dtype.startsWith("float")) y = g.straightThrough(g.round(y), y);
  if (image.flatAxes.length > 0) return g.reshape(y, [x.shape[0], ...image.flatAxes]);
  if (image.layout === "nhwc") y = g.transpose(y, [0, 2, 3, 1]);
  return input.dtype === "float64" || !y.dtype.startsWith("float") ? g.cast(y, input.dtype) : y;
}

/** One number per channel, or one for all, as a constant [1, channel, 1, 1] that broadcasts over images. */
function perChannel(values: readonly number[], option: "mean" | "std", { shape }: Image): Value {
  if (values.length !== 1 && values.length !== shape[0])
    throw new UsageError(`${option} has ${values.length} numbers for ${shape[0]} channels`, {
      code: "misfit",
    });
  const ones = shape.slice(1).map(() => 1);
  const data = Float32Array.from(values);
  return g.constant({ dtype: "float32", shape: [1, values.length, ...ones], data });
}

/** Red, green, blue as blue, green, red. */
function reversedChannels(x: Value, { shape: [channels] }: Image): Value {
  if (channels !== 3)
    throw new UsageError(
      `--channel-order bgr is for images of three channels, and the file takes ${channels}; leave it out`,
      { code: "misfit" },
    );
  const order = g.constant({ dtype: "int64", shape: [3], data: BigInt64Array.of(2n, 1n, 0n) });
  return g.gather(x, order, 1);
}
