// The picture's input of a foreign file: its shape and layout, and how pixels become what it takes.

import * as g from "../graph/expressions.ts";
import type { Value } from "../graph/value.ts";
import { type Shape, sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Declared } from "../onnx/model.ts";

/** What a file does not say about its pictures. */
export interface Preprocessing {
  /** Per channel, of pixels in [0, 1]; what the network's own preprocessing subtracts and divides by. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** What white is to the network: 1, or 255; by default 255 where the file takes whole numbers. */
  readonly scale?: number;
  /** Order of axes that the file takes; found from its input's shape where it is not given. */
  readonly layout?: "nchw" | "nhwc";
}

/** What a file does not say about its pictures, their size included. */
export interface PictureOptions extends Preprocessing {
  /** [channel, height, width], needed where the file leaves it open; where it takes one channel, three stand for their grey. */
  readonly shape?: Shape;
}

/** Shape [channel, height, width], order of axes, and the axes after the batch where they are not three. */
interface Picture {
  readonly shape: Shape;
  readonly layout: "nchw" | "nhwc";
  readonly rank: Shape;
}

/** [channel, height, width] of the pictures, and how the file orders them. */
export function pictureOf(input: Declared, options: PictureOptions): Picture {
  const declared = (input.shape ?? [null, null, null, null]).slice(1);
  const known = (n: number | string | null): n is number => typeof n === "number" && n > 0;
  const few = (n: number | string | null) => known(n) && n <= 4;
  const layout =
    options.layout ??
    (declared.length === 3 && few(declared[2]) && !few(declared[0]) ? "nhwc" : "nchw");
  const ordered =
    layout === "nhwc" && declared.length === 3 ? [declared[2], declared[0], declared[1]] : declared;
  if (options.shape !== undefined) {
    const [channels, ...sides] = options.shape;
    const all = ordered.every(known) ? sizeOf(ordered) : null;
    const isGrey = channels === 3 && (ordered[0] === 1 || all === sizeOf(sides));
    const shape = isGrey ? [1, ...sides] : options.shape;
    const other = ordered.findIndex((n, i) => ordered.length === 3 && known(n) && n !== shape[i]);
    if (other >= 0 || (all !== null && all !== sizeOf(shape)))
      throw new UsageError(
        `the file takes pictures of [${ordered.map((n) => n ?? "any").join(", ")}] and was given [${shape.join(", ")}]; bring them to that size (--resize and --crop do it for folder:PATH)`,
      );
    return { shape, layout, rank: declared.length === 3 ? [] : declared.map(Number) };
  }
  if (!ordered.every(known))
    throw new UsageError(
      `the file leaves the size of its pictures open: ${input.name} [${(input.shape ?? ["?"]).map((n) => n ?? "?").join(", ")}]; state it with --input-shape, for example --input-shape ${ordered.map((n, i) => (known(n) ? n : ordered.length === 3 && i === 0 ? 3 : 224)).join(",")}`,
    );
  return { shape: ordered, layout, rank: declared.length === 3 ? [] : ordered };
}

const takesWhole = ({ dtype }: Declared): boolean => dtype === "int32" || dtype === "int64";

const scaleOf = (input: Declared, { scale }: PictureOptions): number =>
  scale ?? (takesWhole(input) ? 255 : 1);

/** What whoever uses the gradients must know of the picture's input. */
export const pictureNotes = (input: Declared, options: PictureOptions): string[] =>
  takesWhole(input)
    ? [
        `the file's input ${input.name} takes whole numbers: pixels in [0, 1] are given to it times ${scaleOf(input, options)} and rounded, as bytes are; gradients through that are approximate (straight-through), those at the rounded pixels`,
      ]
    : [];

/** Pixels [batch, ...shape] in [0, 1] as what the file takes; whole numbers hand their gradient through. */
export function prepared(
  x: Value,
  input: Declared,
  picture: Picture,
  options: PictureOptions,
): Value {
  const { mean, std } = options;
  const scale = scaleOf(input, options);
  const channels = picture.shape[0];
  const perChannel = (values: readonly number[], what: string) => {
    if (values.length !== 1 && values.length !== channels)
      throw new UsageError(`${what} has ${values.length} numbers for ${channels} channels`);
    const shape = [1, values.length, ...picture.shape.slice(1).map(() => 1)];
    return g.constant({ dtype: "float32", shape, data: Float32Array.from(values) });
  };
  let y = x;
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
  if (picture.rank.length > 0) return g.reshape(y, [x.shape[0], ...picture.rank]);
  if (picture.layout === "nhwc") y = g.transpose(y, [0, 2, 3, 1]);
  return input.dtype === "float64" ? g.cast(y, "float64") : y;
}
