// Blocked arrays: B channels of a pixel lie together, so that a vector register holds them. ONNX Runtime has the operators in
// a domain of its own, on x64 only (`runtime/probe.ts` looks whether they are there and how large B is).

import type { Shape } from "../../../math/tensor.ts";
import type { Lowered } from "../../graph/lowered.ts";
import { convSpatial, poolShape } from "../../graph/shapes.ts";
import type { ConvAttributes, PoolAttributes } from "../../graph/value.ts";
import type { Builder } from "../builder.ts";
import { shaping } from "../plain/shaping.ts";

/** What a blocked convolution does behind its sum, in the same pass. */
export interface Fused {
  /** [out]. */
  readonly bias?: Lowered | null;
  /** Blocked, of the result's shape; overwritten by the runtime where nothing else reads it. */
  readonly sum?: Lowered | null;
  readonly relu?: boolean;
}

const FLOAT = "float32";

/** Pixels up to which an image's sum is one chain of additions, whose rounding grows with its length. */
const CHAIN = 4096;

/** In how many equal parts of its rows an image is summed. */
function partsOf([, , height, width]: Shape): number {
  let parts = 1;
  while (parts < height && (height % parts !== 0 || (height / parts) * width > CHAIN)) parts++;
  return parts;
}

/** Makes blocked operators for blocks of `block` channels; all arrays are float32. */
export function nchwc(b: Builder, block: number) {
  const s = shaping(b);
  const { reshape, transpose, extended, filled, gathered } = s;

  /** Channels with the zeros that fill the last block. */
  const whole = (channels: number): number => Math.ceil(channels / block) * block;

  function conv(x: Lowered, w: Lowered, attrs: ConvAttributes, fused: Fused = {}): Lowered {
    const { bias = null, sum = null, relu = false } = fused;
    const kernel = w.shape.slice(2);
    const spatial = convSpatial(x.shape.slice(2), kernel, attrs);
    const out = w.shape[0];
    const from = [x, w];
    if (bias !== null || sum !== null) from.push(bias ?? filled([out], 0));
    if (sum !== null) from.push(sum);
    const { strides, pads, dilations, groups } = attrs;
    return b.make(
      "NchwcConv",
      from,
      { strides, pads, dilations, groups, kernel, activation: relu ? "Relu" : null },
      FLOAT,
      [x.shape[0], out, ...spatial],
    );
  }

  /** x · scale + bias + sum per channel, in one pass; `scale` is [channel]. */
  function scaled(x: Lowered, scale: Lowered, fused: Fused = {}): Lowered {
    const channels = x.shape[1];
    const w = reshape(scale, [channels, 1, 1, 1]);
    const attrs = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: channels };
    return conv(x, w, attrs, fused);
  }

  /** An array in NCHW, blocked, with zeros in the channels that fill the last block. */
  function fromPlain(x: Lowered): Lowered {
    const channels = whole(x.shape[1]);
    // The runtime reorders four channels at a time.
    const four = x.shape[1] % 4 === 0 ? x : extended(x, 1, channels);
    const shape = x.shape.with(1, channels);
    return x.shape[2] * x.shape[3] === 1
      ? reshape(extended(x, 1, channels), shape)
      : b.make("ReorderInput", [four], {}, FLOAT, shape);
  }

  /** The first `channels` channels of a blocked array in NCHW. */
  function toPlain(x: Lowered, channels: number): Lowered {
    if (x.shape[2] * x.shape[3] === 1) return s.cut(x, 1, 0, channels);
    return b.make("ReorderOutput", [x], { channels }, FLOAT, x.shape.with(1, channels));
  }

  /**
   * Sums over blocked images of this shape → [batch, channel]. `sums` takes the shape in which the rows of each channel are dealt out to
   * as many channels in its place as there are parts, which is the same memory, and gives [batch, channel · parts].
   */
  function inParts(shape: Shape, sums: (dealt: Shape) => Lowered): Lowered {
    const [batch, channels, height, width] = shape;
    const parts = partsOf(shape);
    const each = sums([batch, channels * parts, height / parts, width]);
    if (parts === 1) return each;
    const planes = (batch * channels) / block;
    const split = reshape(each, [planes, parts, block]);
    const attrs = { axes: [1], keepdims: false };
    const total = b.make("ReduceSum", [split], attrs, FLOAT, [planes, block]);
    return reshape(total, [batch, channels]);
  }

  /** Σ over height and width: blocked [batch, channel, height, width] → [batch, channel]. */
  const sumOfImages = (x: Lowered): Lowered =>
    inParts(x.shape, (shape) => {
      const [batch, channels, height, width] = shape;
      const images = reshape(x, shape);
      const means = b.make("NchwcGlobalAveragePool", [images], {}, FLOAT, [batch, channels, 1, 1]);
      return times(reshape(means, [batch, channels]), height * width);
    });

  /**
   * Σ x · y over height and width, of blocked [batch, channel, height, width] → [batch, channel]: as a convolution of each channel of
   * each example by itself, whose kernel is all of y, it reads both once and writes no product.
   */
  const productsOfImages = (x: Lowered, y: Lowered): Lowered =>
    inParts(x.shape, ([batch, channels, height, width]) => {
      const groups = batch * channels;
      const image = reshape(x, [1, groups, height, width]);
      const kernel = reshape(y, [groups, 1, height, width]);
      const attrs = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups };
      return reshape(conv(image, kernel, attrs), [batch, channels]);
    });

  const times = (x: Lowered, factor: number): Lowered =>
    b.make("Mul", [x, filled([], factor)], {}, FLOAT, x.shape);

  const pool = (
    op: "NchwcMaxPool" | "NchwcAveragePool",
    x: Lowered,
    attrs: PoolAttributes,
  ): Lowered => b.make(op, [x], attrs, FLOAT, poolShape(x.shape, attrs));

  /** Weights [out, in / groups, rows, columns] with zeros for the channels that fill blocks, unless x is NCHW. */
  function filledWeights(w: Lowered, plainInput: boolean): Lowered {
    const outer = extended(w, 0, whole(w.shape[0]));
    return plainInput ? outer : extended(outer, 1, whole(w.shape[1]));
  }

  /**
   * Weights as a blocked convolution reads them: [out / B, in / B, rows, columns, B in, B out], and where x is NCHW
   * [out / B, in, rows, columns, B out].
   */
  function weights(w: Lowered, plainInput = false): Lowered {
    const padded = filledWeights(w, plainInput);
    const [out, into, rows, columns] = padded.shape;
    const taps = rows * columns;
    if (plainInput) {
      const parts = reshape(padded, [out / block, block, into * taps]);
      return reshape(transpose(parts, [0, 2, 1]), padded.shape);
    }
    // Reordering moves B outputs inward over whole rows of memory, which leaves a transpose of long runs.
    const byOut = b.make(
      "ReorderInput",
      [reshape(padded, [out / block, block, 1, into * taps])],
      {},
      FLOAT,
      [out / block, block, 1, into * taps],
    );
    const parts = reshape(byOut, [out / block, into / block, block, taps, block]);
    return reshape(transpose(parts, [0, 1, 3, 2, 4]), padded.shape);
  }

  /**
   * Blocked weights with their channel axes exchanged, of the given rows and columns of the kernel in that order: what ∂L/∂x
   * reads. Exchanging blocks is a transpose of long runs, and within a block a reordering.
   */
  function exchanged(w: Lowered, rows: readonly number[], columns: readonly number[]): Lowered {
    const [out, into, height, width] = w.shape;
    const [outer, inner, taps] = [out / block, into / block, height * width];
    const within = b.make(
      "ReorderInput",
      [reshape(w, [outer * inner * taps, block, 1, block])],
      {},
      FLOAT,
      [outer * inner * taps, block, 1, block],
    );
    const places = rows.flatMap((i) => columns.map((j) => i * width + j));
    const blocks = reshape(within, [outer, inner, taps, block * block]);
    const picked = gathered(blocks, 2, places);
    return reshape(transpose(picked, [1, 0, 2, 3]), [into, out, rows.length, columns.length]);
  }

  /** Weights [channel, 1, rows, columns] of a convolution of each channel by itself: [channel / B, rows, columns, B]. */
  function depthwiseWeights(w: Lowered): Lowered {
    const padded = extended(w, 0, whole(w.shape[0]));
    const [channels, , rows, columns] = padded.shape;
    const parts = reshape(padded, [channels / block, block, rows * columns]);
    return reshape(transpose(parts, [0, 2, 1]), padded.shape);
  }

  /** A vector with one number per channel, and zeros for those that fill the last block. */
  const vector = (v: Lowered, channels: number): Lowered =>
    extended(reshape(v, [channels]), 0, whole(channels));

  /** A blocked array as [batch, channel / B, pixel, B], whose memory it is. */
  const view = (x: Lowered): Lowered => {
    const [batch, channels, height, width] = x.shape;
    return b.make("Reshape", [x], { shape: viewShape(x.shape) }, x.dtype, [
      batch,
      channels / block,
      height * width,
      block,
    ]);
  };
  const viewShape = ([batch, channels, height, width]: Shape): Shape => [
    batch,
    channels / block,
    height * width,
    block,
  ];

  return {
    ...s,
    block,
    whole,
    conv,
    scaled,
    fromPlain,
    toPlain,
    times,
    pool,
    sumOfImages,
    productsOfImages,
    weights,
    exchanged,
    depthwiseWeights,
    vector,
    view,
    viewShape,
  };
}

export type Nchwc = ReturnType<typeof nchwc>;
