// The image's input of a foreign file: its shape and layout, and how pixels become what it takes.

import * as g from "../engine/graph/expressions.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Declared } from "../engine/onnx/model.ts";
import type { Note } from "../math/note.ts";
import { type Shape, sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";

/** What a file does not say about its images. */
export interface Preprocessing {
  /** Per channel, of pixels in [0, 1]; what the network's own preprocessing subtracts and divides by. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** What white is to the network: 1, or 255; by default 255 where the file takes whole numbers. */
  readonly scale?: number;
  /** Order of axes that the file takes; found from its input's shape where it is not given. */
  readonly layout?: "nchw" | "nhwc";
  /** Order of three channels that the file takes; mean and std are in that order. By default red, green, blue. */
  readonly channelOrder?: "rgb" | "bgr";
}

/** What a file does not say about its images, their size included. */
export interface ImageOptions extends Preprocessing {
  /** [channel, height, width], needed where the file leaves it open; where it takes one channel, three stand for their grey. */
  readonly shape?: Shape;
  /** How many numbers an image has, where whoever opens the file knows that and no more. */
  readonly numbers?: number;
}

/** Shape [channel, height, width], order of axes, and the axes after the batch where they are not three. */
export interface Image {
  readonly shape: Shape;
  readonly layout: "nchw" | "nhwc";
  readonly rank: Shape;
}

type Length = number | string | null;

const isKnown = (n: Length): n is number => typeof n === "number" && n > 0;

/** Open lengths by what the file calls them: `axis length`, `axis 2`. */
const openAxes = (lengths: readonly Length[], first = 1): string =>
  lengths
    .flatMap((n, i) => (isKnown(n) ? [] : [typeof n === "string" ? n : String(first + i)]))
    .map((name) => `axis ${name}`)
    .join(" and ");

/**
 * The lengths of a file's axes after the batch, where they are not channel, height and width: one open length follows from
 * the count of an image's numbers; two are the height and width of a grey image. Throws `UsageError` that names the axes.
 */
function boundLengths(input: Declared, declared: readonly Length[], shape: Shape): Shape {
  if (declared.every(isKnown)) return declared;
  const count = sizeOf(shape);
  const rest = sizeOf(declared.filter(isKnown));
  const open = declared.filter((n) => !isKnown(n)).length;
  if (open === 1 && count % rest === 0) return declared.map((n) => (isKnown(n) ? n : count / rest));
  const sides = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  if (sides.length === declared.length && declared.every((n, i) => !isKnown(n) || n === sides[i]))
    return sides;
  throw new UsageError(
    `the file leaves ${openAxes(declared)} of ${input.name} [${(input.shape ?? []).map((n) => n ?? "?").join(", ")}] open, and an image of [${shape.join(", ")}] does not fit into the others; state the image with --input-shape, or export the file with fixed lengths`,
  );
}

/** The lengths after the batch in the order of the file. */
const lengthsOf = ({ shape, layout, rank }: Image): Shape => {
  if (rank.length > 0 || shape.length !== 3) return rank;
  return layout === "nhwc" ? [shape[1], shape[2], shape[0]] : shape;
};

/** What the names that a file gives its open lengths are bound to by an image. */
export const boundNames = (input: Declared, image: Image): Map<string, number> => {
  const lengths = lengthsOf(image);
  const names = new Map<string, number>();
  for (const [i, n] of (input.shape ?? []).slice(1).entries())
    if (typeof n === "string" && lengths[i] !== undefined) names.set(n, lengths[i]);
  return names;
};

/** [channel, height, width] of the images, and how the file orders them. */
export function imageOf(input: Declared, options: ImageOptions): Image {
  const declared = (input.shape ?? [null, null, null, null]).slice(1);
  const few = (n: Length) => isKnown(n) && n <= 4;
  const layout =
    options.layout ??
    (declared.length === 3 && few(declared[2]) && !few(declared[0]) ? "nhwc" : "nchw");
  const ordered =
    layout === "nhwc" && declared.length === 3 ? [declared[2], declared[0], declared[1]] : declared;
  if (options.shape !== undefined) {
    const [channels, ...sides] = options.shape;
    const all = ordered.every(isKnown) ? sizeOf(ordered) : null;
    const isPlane = ordered.length === 2 && sides.length === 2 && all === null;
    const isGrey = channels === 3 && (ordered[0] === 1 || all === sizeOf(sides) || isPlane);
    const shape = isGrey ? [1, ...sides] : options.shape;
    const other = ordered.findIndex((n, i) => ordered.length === 3 && isKnown(n) && n !== shape[i]);
    if (other >= 0 || (all !== null && all !== sizeOf(shape)))
      throw new UsageError(
        `the file takes images of [${ordered.map((n) => n ?? "any").join(", ")}] and was given [${shape.join(", ")}]; bring them to that size (--resize and --crop do it)`,
      );
    const rank = declared.length === 3 ? [] : boundLengths(input, declared, shape);
    return { shape, layout, rank };
  }
  const { numbers } = options;
  if (!ordered.every(isKnown) && ordered.length !== 3 && numbers !== undefined)
    return { shape: [numbers], layout, rank: boundLengths(input, declared, [numbers]) };
  if (!ordered.every(isKnown))
    throw new UsageError(
      `the file leaves the size of its images open (${openAxes(declared)}): ${input.name} [${(input.shape ?? ["?"]).map((n) => n ?? "?").join(", ")}]; state it with --input-shape, for example --input-shape ${ordered.map((n, i) => (isKnown(n) ? n : ordered.length === 3 && i === 0 ? 3 : 224)).join(",")}`,
    );
  return { shape: ordered, layout, rank: declared.length === 3 ? [] : ordered };
}

/** [channel, height, width] that a file's input states; undefined where it is no image, or leaves a length open. */
export function statedShape({ shape }: Pick<Declared, "shape">): Shape | undefined {
  const lengths = (shape ?? []).slice(1);
  if (lengths.length !== 3 || !lengths.every(isKnown)) return undefined;
  const [a, b, c] = lengths;
  return c <= 4 && a > 4 ? [c, a, b] : [a, b, c];
}

/** Whether a file's input takes whole numbers, as bytes are: such a file normalises its images itself. */
export const takesWhole = ({ dtype }: Pick<Declared, "dtype">): boolean =>
  dtype === "int32" || dtype === "int64";

const scaleOf = (input: Declared, { scale }: ImageOptions): number =>
  scale ?? (takesWhole(input) ? 255 : 1);

/** What whoever uses the gradients must know of the image's input. */
export const imageNotes = (input: Declared, options: ImageOptions): Note[] =>
  takesWhole(input)
    ? [
        {
          code: "rounded-pixels",
          text: `the file's input ${input.name} takes whole numbers: pixels in [0, 1] are given to it times ${scaleOf(input, options)} and rounded, as bytes are; gradients through that are approximate (straight-through), those at the rounded pixels`,
        },
      ]
    : [];

/** Pixels [batch, ...shape] in [0, 1] as what the file takes; whole numbers hand their gradient through. */
export function prepared(x: Value, input: Declared, image: Image, options: ImageOptions): Value {
  const { mean, std } = options;
  const scale = scaleOf(input, options);
  const channels = image.shape[0];
  const perChannel = (values: readonly number[], what: string) => {
    if (values.length !== 1 && values.length !== channels)
      throw new UsageError(`${what} has ${values.length} numbers for ${channels} channels`);
    const shape = [1, values.length, ...image.shape.slice(1).map(() => 1)];
    return g.constant({ dtype: "float32", shape, data: Float32Array.from(values) });
  };
  let y = x;
  if (options.channelOrder === "bgr") {
    if (channels !== 3)
      throw new UsageError(
        `--channel-order bgr is for images of three channels, and the file takes ${channels}; leave it out`,
      );
    y = g.gather(
      y,
      g.constant({ dtype: "int64", shape: [3], data: BigInt64Array.of(2n, 1n, 0n) }),
      1,
    );
  }
  if (mean !== undefined) y = g.sub(y, perChannel(mean, "mean"));
  if (std !== undefined)
    y = g.mul(
      y,
      perChannel(
        std.map((s) => 1 / s),
        "std",
      ),
    );
  if (scale !== 1) y = g.mul(y, g.scalar(scale));
  if (takesWhole(input)) y = g.straightThrough(g.round(y), y);
  if (image.rank.length > 0) return g.reshape(y, [x.shape[0], ...image.rank]);
  if (image.layout === "nhwc") y = g.transpose(y, [0, 2, 3, 1]);
  return input.dtype === "float64" ? g.cast(y, "float64") : y;
}
