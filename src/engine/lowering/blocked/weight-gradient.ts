// ∂L/∂w of a convolution on blocked arrays, as one convolution: the examples are its input channels, the pixels of dy
// its kernel, the channels of x lie along its width, and its output positions are the taps of w.

import { boundsOf } from "../../../math/bounds.ts";
import type { Lowered } from "../../graph/lowered.ts";
import type { Value } from "../../graph/value.ts";
import type { Builder } from "../builder.ts";
import { costsLess } from "./cost.ts";
import type { Nchwc } from "./nchwc.ts";
import { sameForAll, transformedPixels } from "./winograd.ts";

/** x blocked, or in NCHW with less than B channels; dy blocked. */
export interface Operands {
  readonly x: Lowered;
  readonly plain: boolean;
  readonly dy: Lowered;
}

/** The weights' gradient in ONNX's order [out, in, rows, columns]; null where this lowering has no form for it. */
export function blockedWeightGradient(
  b: Builder,
  n: Nchwc,
  node: Value<"ConvWeightGradient">,
  { x, plain, dy }: Operands,
  breakEven: number,
): Lowered | null {
  const { strides, pads, dilations, groups, kernelShape } = node.attrs;
  if (groups !== 1 || dilations.some((d) => d !== 1)) return null;
  const [outer, into] = node.shape;
  const pointwise = kernelShape.every((k) => k === 1) && pads.every((p) => p === 0) && !plain;
  const geometry = { strides, pads, kernel: kernelShape };
  const direct = plain ? plainInput : blockedInput;
  const gradient = pointwise
    ? pointwiseGradient(n, x, dy, strides)
    : !plain && winogradWins(breakEven, geometry, x, dy)
      ? winogradGradient(b, n, x, dy)
      : direct(n, x, dy, geometry);
  // [out, in, rows, columns] without the channels that fill blocks.
  return n.cut(n.cut(gradient, 0, 0, outer), 1, 0, into);
}

interface Geometry {
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly kernel: readonly number[];
}

/** Examples filled up with zeros to whole blocks. */
function wholeBatch(n: Nchwc, x: Lowered): Lowered {
  const batch = n.whole(x.shape[0]);
  if (batch === x.shape[0]) return x;
  const size = x.shape[1] * x.shape[2] * x.shape[3];
  const rows = n.reshape(x, [x.shape[0], size]);
  const zeros = n.filled([batch - x.shape[0], size], 0);
  return n.reshape(n.concat([rows, zeros], 0), x.shape.with(0, batch));
}

/** dy as a kernel [out, batch, rows, columns]: blocks of examples inside. */
function filter(n: Nchwc, dy: Lowered): Lowered {
  const whole = wholeBatch(n, dy);
  const [batch, out, rows, columns] = whole.shape;
  const B = n.block;
  const parts = n.reshape(whole, [batch / B, B, out / B, rows * columns, B]);
  return n.reshape(n.transpose(parts, [2, 0, 3, 1, 4]), [out, batch, rows, columns]);
}

/** Zeros left and right of each row of `x` [rows, columns · unit], so that it has `before` and `after` more columns. */
function widened(n: Nchwc, x: Lowered, unit: number, before: number, after: number): Lowered {
  const rows = x.shape[0];
  const kept = after < 0 ? n.cut(x, 1, 0, x.shape[1] + after * unit) : x;
  const zeros = (count: number) => (count > 0 ? [n.filled([rows, count * unit], 0)] : []);
  return n.concat([...zeros(before), kept, ...zeros(after)], 1);
}

/** How many zeros (or, negative, surplus pixels) lie behind an axis so that every tap sees all of dy. */
const behind = (length: number, taps: number, stride: number, pad: number, out: number) =>
  (out - 1) * stride + taps - length - pad;

/** x blocked: the blocks of channels are the convolution's batch. */
function blockedInput(n: Nchwc, x: Lowered, dy: Lowered, { strides, pads, kernel }: Geometry) {
  const B = n.block;
  const whole = wholeBatch(n, x);
  const [batch, channels, height, width] = whole.shape;
  const [, out, rows, columns] = dy.shape;
  const blocks = channels / B;
  const right = behind(width, kernel[1], strides[1], pads[1], columns);
  const wide = width + pads[1] + right;
  const padded = widened(
    n,
    n.reshape(whole, [batch * blocks * height, width * B]),
    B,
    pads[1],
    right,
  );
  // The examples become channels: [batch / B, block, row, column, B channels, B examples].
  const examples = n.fromPlain(n.reshape(padded, [1, batch, blocks * height, wide * B]));
  const parts = n.reshape(examples, [batch / B, blocks, height * wide * B * B]);
  const ordered = blocks > 1 && batch > B ? n.transpose(parts, [1, 0, 2]) : parts;
  const image = n.reshape(ordered, [blocks, batch, height, wide * B]);
  const taps = product(n, image, filter(n, dy), {
    dilations: [strides[0], strides[1] * B],
    top: pads[0],
    taps: kernel[0],
    stride: strides[0],
    rows,
  });
  // [block, out / B, rows, columns, B in, B out] → [out, in, rows, columns]
  const split = n.reshape(taps, [blocks, out / B, kernel[0] * kernel[1], B, B]);
  return n.reshape(n.transpose(split, [1, 4, 0, 3, 2]), [out, channels, ...kernel]);
}

/** x in NCHW with few channels, which lie along the width next to each other. */
function plainInput(n: Nchwc, x: Lowered, dy: Lowered, { strides, pads, kernel }: Geometry) {
  const whole = wholeBatch(n, x);
  const [batch, channels, height, width] = whole.shape;
  const [, out, rows, columns] = dy.shape;
  const last = n.transpose(whole, [0, 2, 3, 1]);
  const right = behind(width, kernel[1], strides[1], pads[1], columns);
  const wide = width + pads[1] + right;
  const padded = widened(
    n,
    n.reshape(last, [batch * height, width * channels]),
    channels,
    pads[1],
    right,
  );
  const image = n.fromPlain(n.reshape(padded, [1, batch, height, wide * channels]));
  const taps = product(n, image, filter(n, dy), {
    dilations: [strides[0], strides[1] * channels],
    top: pads[0],
    taps: kernel[0],
    stride: strides[0],
    rows,
  });
  const split = n.reshape(n.toPlain(taps, out), [out, kernel[0], kernel[1], channels]);
  return n.transpose(split, [0, 3, 1, 2]);
}

/** Numbers of dy per channel up to which a convolution finds what it has read of its kernel in the cache again. */
const CACHED = 4096;

/** Blocks of channels of x from which on the kernel is read so often that parts of it are worth their copies. */
const MIN_BLOCKS = 4;

/** In how many parts dy's rows are taken: each has two at least, since two more of x meet them. */
function partsOf({ shape: [blocks, batch] }: Lowered, { shape }: Lowered): number {
  const [rows, columns] = shape.slice(2);
  const cached = Math.ceil((batch * rows * columns) / CACHED);
  return blocks < MIN_BLOCKS ? 1 : Math.max(1, Math.min(cached, Math.floor(rows / 2)));
}

/** The convolution itself, part by part of dy's rows: image [blocks, batch, height, width · unit] with the kernel `filter`. */
function product(
  n: Nchwc,
  image: Lowered,
  kernel: Lowered,
  geometry: {
    readonly dilations: readonly number[];
    readonly top: number;
    readonly taps: number;
    readonly stride: number;
    readonly rows: number;
  },
): Lowered {
  const { dilations, top, taps, stride, rows } = geometry;
  const height = image.shape[2];
  const parts = partsOf(image, kernel);
  const bounds = boundsOf(rows, parts);
  let sum: Lowered | null = null;
  for (let i = 0; i < parts; i++) {
    // The rows of x that meet these rows of dy at some tap.
    const [from, to] = [bounds[i] * stride - top, (bounds[i + 1] - 1) * stride + taps - top];
    const seen = imageRows(n, image, Math.max(from, 0), Math.min(to, height));
    const own = kernelRows(n, kernel, bounds[i], bounds[i + 1]);
    const pads = [Math.max(-from, 0), 0, Math.max(to - height, 0), 0];
    sum = n.conv(seen, own, { strides: [1, 1], pads, dilations, groups: 1 }, { sum });
  }
  if (sum === null) throw new Error("internal: a gradient of no rows");
  return sum;
}

/** Rows `start` to `stop` of blocked images. */
function imageRows(n: Nchwc, x: Lowered, start: number, stop: number): Lowered {
  const [batch, channels, height, width] = x.shape;
  const planes = n.reshape(x, [(batch * channels) / n.block, height, width * n.block]);
  return n.reshape(n.cut(planes, 1, start, stop), [batch, channels, stop - start, width]);
}

/** Rows `start` to `stop` of a blocked kernel. */
function kernelRows(n: Nchwc, w: Lowered, start: number, stop: number): Lowered {
  const [out, into, rows, columns] = w.shape;
  const blocks = (out / n.block) * (into / n.block);
  const planes = n.reshape(w, [blocks, rows, columns * n.block * n.block]);
  return n.reshape(n.cut(planes, 1, start, stop), [out, into, stop - start, columns]);
}

/** A kernel of one pixel: no borders, so that all pixels are one row. */
function pointwiseGradient(n: Nchwc, x: Lowered, dy: Lowered, strides: readonly number[]): Lowered {
  const [out, channels] = [dy.shape[1], x.shape[1]];
  const split = n.reshape(pointwiseBlocks(n, x, dy, strides), [out / n.block, channels, n.block]);
  return n.reshape(n.transpose(split, [0, 2, 1]), [out, channels, 1, 1]);
}

/** The same in memory as [out / B, in / B, B in, B out]. */
function pointwiseBlocks(n: Nchwc, x: Lowered, dy: Lowered, strides: readonly number[]): Lowered {
  const B = n.block;
  const whole = wholeBatch(n, x);
  const [batch, channels, height, width] = whole.shape;
  const [, out, rows, columns] = dy.shape;
  const planes = n.reshape(whole, [(batch * channels) / B, height, width, B]);
  const stops = [planes.shape[0], (rows - 1) * strides[0] + 1, (columns - 1) * strides[1] + 1, B];
  const seen = strides.every((step) => step === 1)
    ? planes
    : n.slice(planes, [0, 0, 0, 0], stops, [1, ...strides, 1]);
  const blocks = channels / B;
  const pixels = rows * columns;
  const image = n.fromPlain(n.reshape(seen, [1, batch, blocks, pixels * B]));
  const kernel = n.reshape(filter(n, dy), [out, batch, 1, pixels]);
  const geometry = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, B], groups: 1 };
  // [1, out, block, B in], blocked
  return n.conv(image, kernel, geometry);
}

/** G′ of F(3×3, 2×2), which makes four numbers of two of dy. */
const SLOPES = [
  [1, 0],
  [0.5, 0.5],
  [0.5, -0.5],
  [0, 1],
] as const;

/** A′, which makes the three taps of four products. */
const TAPS = [
  [1, 1, 1, 0],
  [0, 1, -1, 0],
  [0, 1, 1, -1],
] as const;

/** Whether Winograd's form costs less than the direct one, by the model of `cost.ts`; it has none for odd images. */
function winogradWins(
  breakEven: number,
  { strides, pads, kernel }: Geometry,
  x: Lowered,
  dy: Lowered,
): boolean {
  const [, into, height, width] = x.shape;
  const possible =
    kernel.every((k) => k === 3) &&
    pads.every((p) => p === 1) &&
    strides.every((step) => step === 1) &&
    [height, width].every((length) => length % 2 === 0 && length >= 4);
  return possible && costsLess(breakEven, { into, out: dy.shape[1], height, width });
}

/** Winograd's F(3×3, 2×2) (Lavin & Gray 2016, arXiv:1509.09308): dy in tiles of 2 × 2 as kernels of x. */
function winogradGradient(b: Builder, n: Nchwc, x: Lowered, dy: Lowered): Lowered {
  const [out, channels] = [dy.shape[1], x.shape[1]];
  const pixels = transformedPixels(n, x);
  const products: Lowered[] = [];
  for (let a = 0; a < 4; a++)
    for (let c = 0; c < 4; c++) {
      const window = SLOPES[a].flatMap((row) => SLOPES[c].map((column) => row * column));
      const slopes = n.conv(dy, sameForAll(n, out, window), {
        strides: [2, 2],
        pads: [0, 0, 0, 0],
        dilations: [1, 1],
        groups: out,
      });
      const product = pointwiseBlocks(n, pixels(a, c), slopes, [1, 1]);
      products.push(n.reshape(product, [1, out * channels]));
    }
  const kernel = [0, 1, 2, 3].flatMap((a) =>
    [0, 1, 2, 3].flatMap((c) => TAPS.flatMap((row) => TAPS.map((column) => row[a] * column[c]))),
  );
  // The taps come last, as in the result, so that the transpose moves nine numbers at a time.
  const taps = b.make(
    "FusedMatMul",
    [n.concat(products, 0), n.numbers([16, 9], kernel)],
    { transA: true, transB: false, alpha: 1 },
    dy.dtype,
    [out * channels, 9],
  );
  const B = n.block;
  const split = n.reshape(taps, [out / B, channels / B, B, B, 9]);
  return n.reshape(n.transpose(split, [0, 3, 1, 2, 4]), [out, channels, 3, 3]);
}
