// ∂L/∂w of a convolution as one convolution of x with dy as its kernel: the examples are its input channels, its output
// positions are the taps of w, and the channels of x lie side by side along its width.

import { boundsOf } from "../../../math/bounds.ts";
import { InternalError } from "../../../math/internal-error.ts";
import type { Lowered } from "../../graph/lowered.ts";
import type { Value } from "../../graph/value.ts";
import type { Builder } from "../builder.ts";
import type { NchwcBuilder } from "./nchwc-builder.ts";
import { pointwiseWeightGradient } from "./pointwise-weight-gradient.ts";
import {
  type Geometry,
  gradientKernel,
  type Operands,
  wholeBatch,
} from "./weight-gradient-operands.ts";
import { weightGradientWins, winogradWeightGradient } from "./winograd-weight-gradient.ts";

/** The gradient as a plain array [out, in, rows, columns]; null if this lowering has no form for it. */
export function blockedWeightGradient(
  b: Builder,
  nchwc: NchwcBuilder,
  node: Value<"ConvWeightGradient">,
  operands: Operands,
  breakEven: number,
): Lowered | null {
  const { dilations, groups } = node.attrs;
  if (groups !== 1 || dilations.some((d) => d !== 1)) return null;
  const gradient = wholeGradient(b, nchwc, node, operands, breakEven);
  const [out, into] = node.shape;
  return nchwc.cut(nchwc.cut(gradient, 0, 0, out), 1, 0, into);
}

/** The gradient including the channels that fill the last blocks. */
function wholeGradient(
  b: Builder,
  nchwc: NchwcBuilder,
  node: Value<"ConvWeightGradient">,
  { x, plainInput, dy }: Operands,
  breakEven: number,
): Lowered {
  const { strides, pads, kernelShape: kernel } = node.attrs;
  const geometry: Geometry = { strides, pads, kernel };
  if (plainInput) return gradientOfPlain(nchwc, x, dy, geometry);
  if (kernel.every((k) => k === 1) && pads.every((p) => p === 0))
    return pointwiseWeightGradient(nchwc, x, dy, strides);
  if (weightGradientWins(breakEven, geometry, x, dy))
    return winogradWeightGradient(b, nchwc, x, dy);
  return gradientOfBlocked(nchwc, x, dy, geometry);
}

/**
 * Rows [row, column · unit] with `before` columns of zeros in front of the first column and `after` behind the last;
 * a negative `after` cuts columns off.
 */
function widened(
  nchwc: NchwcBuilder,
  x: Lowered,
  unit: number,
  before: number,
  after: number,
): Lowered {
  const rows = x.shape[0];
  const parts = [after < 0 ? nchwc.cut(x, 1, 0, x.shape[1] + after * unit) : x];
  if (before > 0) parts.unshift(nchwc.filled([rows, before * unit], 0));
  if (after > 0) parts.push(nchwc.filled([rows, after * unit], 0));
  return nchwc.concat(parts, 1);
}

/** Columns of padding on the right with which every tap meets all columns of dy; negative if x has surplus columns. */
function padRight({ kernel, strides, pads }: Geometry, width: number, columns: number): number {
  return (columns - 1) * strides[1] + kernel[1] - width - pads[1];
}

/** For a blocked x [batch, in, height, width]. The blocks of its channels are the batch of the convolution. */
function gradientOfBlocked(
  nchwc: NchwcBuilder,
  x: Lowered,
  dy: Lowered,
  geometry: Geometry,
): Lowered {
  const { pads, kernel } = geometry;
  const B = nchwc.block;
  const whole = wholeBatch(nchwc, x);
  const [batch, channels, height, width] = whole.shape;
  const [, out, , columns] = dy.shape;
  const blocks = channels / B;
  const right = padRight(geometry, width, columns);
  const wide = width + pads[1] + right;
  const rows = nchwc.reshape(whole, [batch * blocks * height, width * B]);
  const padded = widened(nchwc, rows, B, pads[1], right);
  // Examples become channels: in memory [batch / B, block, row, column, B channels, B examples].
  const examples = nchwc.fromPlain(nchwc.reshape(padded, [1, batch, blocks * height, wide * B]));
  const parts = nchwc.reshape(examples, [batch / B, blocks, height * wide * B * B]);
  const ordered = blocks > 1 && batch > B ? nchwc.transpose(parts, [1, 0, 2]) : parts;
  const image = nchwc.reshape(ordered, [blocks, batch, height, wide * B]);
  const taps = convolveInParts(nchwc, image, gradientKernel(nchwc, dy), geometry, B);
  // [block, out / B, rows · columns, B in, B out] → [out, in, rows, columns].
  const split = nchwc.reshape(taps, [blocks, out / B, kernel[0] * kernel[1], B, B]);
  return nchwc.reshape(nchwc.transpose(split, [1, 4, 0, 3, 2]), [out, channels, ...kernel]);
}

/** For an x [batch, in, height, width] in NCHW with few channels. The channels of a pixel become adjacent columns. */
function gradientOfPlain(
  nchwc: NchwcBuilder,
  x: Lowered,
  dy: Lowered,
  geometry: Geometry,
): Lowered {
  const { pads, kernel } = geometry;
  const whole = wholeBatch(nchwc, x);
  const [batch, channels, height, width] = whole.shape;
  const [, out, , columns] = dy.shape;
  const channelsLast = nchwc.transpose(whole, [0, 2, 3, 1]);
  const right = padRight(geometry, width, columns);
  const wide = width + pads[1] + right;
  const rows = nchwc.reshape(channelsLast, [batch * height, width * channels]);
  const padded = widened(nchwc, rows, channels, pads[1], right);
  const image = nchwc.fromPlain(nchwc.reshape(padded, [1, batch, height, wide * channels]));
  const taps = convolveInParts(nchwc, image, gradientKernel(nchwc, dy), geometry, channels);
  const split = nchwc.reshape(nchwc.toPlain(taps, out), [out, kernel[0], kernel[1], channels]);
  return nchwc.transpose(split, [0, 3, 1, 2]);
}

/** Elements of dy per channel up to which a convolution finds its kernel in the cache when it reads it again. */
const CACHED = 4096;

/** Blocks of channels of x from which on the kernel is read so often that copies of its parts pay off. */
const MIN_BLOCKS = 4;

/** Number of parts of the rows of dy. A part has at least two rows, because it reads up to two further rows of x. */
function countParts({ shape: [blocks, batch] }: Lowered, { shape }: Lowered): number {
  const [rows, columns] = shape.slice(2);
  const cached = Math.ceil((batch * rows * columns) / CACHED);
  return blocks < MIN_BLOCKS ? 1 : Math.max(1, Math.min(cached, Math.floor(rows / 2)));
}

/**
 * The convolution: image [image block, batch, height, width · unit] with kernel [out, batch, rows, columns], summed over parts
 * of the kernel's rows. `unit` is the number of channels that lie side by side per column.
 */
function convolveInParts(
  nchwc: NchwcBuilder,
  image: Lowered,
  kernel: Lowered,
  { strides, pads, kernel: [taps] }: Geometry,
  unit: number,
): Lowered {
  const dilations = [strides[0], strides[1] * unit];
  const [height, rows] = [image.shape[2], kernel.shape[2]];
  const parts = countParts(image, kernel);
  const bounds = boundsOf(rows, parts);
  let sum: Lowered | null = null;
  for (let i = 0; i < parts; i++) {
    // The rows of x that any tap multiplies with these rows of dy.
    const from = bounds[i] * strides[0] - pads[0];
    const to = (bounds[i + 1] - 1) * strides[0] + taps - pads[0];
    const imagePart = imageRows(nchwc, image, Math.max(from, 0), Math.min(to, height));
    const kernelPart = kernelRows(nchwc, kernel, bounds[i], bounds[i + 1]);
    const partPads = [Math.max(-from, 0), 0, Math.max(to - height, 0), 0];
    const attrs = { strides: [1, 1], pads: partPads, dilations, groups: 1 };
    sum = nchwc.conv(imagePart, kernelPart, attrs, { sum });
  }
  if (sum === null) throw new InternalError("a gradient of no rows");
  return sum;
}

/** Rows `start` to `stop` (exclusive) of blocked images. */
function imageRows(nchwc: NchwcBuilder, x: Lowered, start: number, stop: number): Lowered {
  const [batch, channels, height, width] = x.shape;
  const planes = nchwc.reshape(x, [(batch * channels) / nchwc.block, height, width * nchwc.block]);
  return nchwc.reshape(nchwc.cut(planes, 1, start, stop), [batch, channels, stop - start, width]);
}

/** Rows `start` to `stop` (exclusive) of a blocked kernel. */
function kernelRows(nchwc: NchwcBuilder, w: Lowered, start: number, stop: number): Lowered {
  const [out, into, rows, columns] = w.shape;
  const blocks = (out / nchwc.block) * (into / nchwc.block);
  const planes = nchwc.reshape(w, [blocks, rows, columns * nchwc.block * nchwc.block]);
  return nchwc.reshape(nchwc.cut(planes, 1, start, stop), [out, into, stop - start, columns]);
}
