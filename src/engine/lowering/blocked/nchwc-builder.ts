// Blocked arrays: B channels of a pixel are adjacent in memory, so that a vector register holds them. ONNX Runtime has
// operators for them in its domain `com.microsoft.nchwc`, on x64 only (`runtime/choose-block.ts` detects them, and B).

import type { Shape } from "../../../math/tensor.ts";
import type { Lowered } from "../../graph/lowered.ts";
import { convSpatial, poolShape } from "../../graph/shapes.ts";
import type { ConvAttributes, PoolAttributes } from "../../graph/value.ts";
import type { Builder } from "../builder.ts";
import { Shaping } from "../plain/shaping.ts";

/** What a blocked convolution does after the convolution, in the same pass over memory: relu(… + bias + sum). */
export interface Fused {
  /** [out]. */
  readonly bias?: Lowered | null;
  /** Blocked, of the result's shape. The engine overwrites it if it has no other reader. */
  readonly sum?: Lowered | null;
  readonly relu?: boolean;
}

const FLOAT = "float32";

/** Longest chain of additions, in pixels: the rounding error of a sum grows with the length of its chain. */
const MAX_CHAIN = 4096;

/** Number of equal groups of rows that an image [batch, channel, height, width] is summed in. */
function groupsOfRows([, , height, width]: Shape): number {
  let count = 1;
  while (count < height && (height % count !== 0 || (height / count) * width > MAX_CHAIN)) count++;
  return count;
}

/**
 * Makes blocked operators for B = `block` channels per block. A *blocked* array of shape [batch, channel, height, width]
 * lies in memory as [batch, channel / B, height, width, B]; its channels are a multiple of B. All arrays are float32.
 */
export class NchwcBuilder extends Shaping {
  readonly block: number;
  readonly #b: Builder;

  constructor(b: Builder, block: number) {
    super(b);
    this.#b = b;
    this.block = block;
  }

  /** Rounds up to a multiple of B. */
  whole(channels: number): number {
    return Math.ceil(channels / this.block) * this.block;
  }

  /**
   * relu(conv(x, w) + bias + sum): x blocked, or NCHW with fewer than B channels; w [out, in / groups, rows, columns] as
   * from `weights` or `depthwiseWeights`; the result blocked.
   */
  conv(x: Lowered, w: Lowered, attrs: ConvAttributes, fused: Fused = {}): Lowered {
    const { bias = null, sum = null, relu = false } = fused;
    const kernel = w.shape.slice(2);
    const spatial = convSpatial(x.shape.slice(2), kernel, attrs);
    const out = w.shape[0];
    const inputs = [x, w];
    if (bias !== null || sum !== null) inputs.push(bias ?? this.filled([out], 0));
    if (sum !== null) inputs.push(sum);
    const { strides, pads, dilations, groups } = attrs;
    return this.#b.make(
      "NchwcConv",
      inputs,
      { strides, pads, dilations, groups, kernel, activation: relu ? "Relu" : null },
      FLOAT,
      [x.shape[0], out, ...spatial],
    );
  }

  /** x · scale + bias + sum in one pass, as a depthwise 1×1 convolution; `scale` is [channel]. */
  scaled(x: Lowered, scale: Lowered, fused: Fused = {}): Lowered {
    const channels = x.shape[1];
    const w = this.reshape(scale, [channels, 1, 1, 1]);
    const attrs = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: channels };
    return this.conv(x, w, attrs, fused);
  }

  /** NCHW to blocked. Zeros fill the last block. */
  fromPlain(x: Lowered): Lowered {
    const channels = this.whole(x.shape[1]);
    const shape = x.shape.with(1, channels);
    // Images of one pixel have the same memory in both layouts.
    if (x.shape[2] * x.shape[3] === 1) return this.reshape(this.extended(x, 1, channels), shape);
    // ONNX Runtime reorders four channels at a time.
    const fours = x.shape[1] % 4 === 0 ? x : this.extended(x, 1, channels);
    return this.#b.make("ReorderInput", [fours], {}, FLOAT, shape);
  }

  /** Blocked to NCHW, the first `channels` channels. */
  toPlain(x: Lowered, channels: number): Lowered {
    if (x.shape[2] * x.shape[3] === 1) return this.cut(x, 1, 0, channels);
    return this.#b.make("ReorderOutput", [x], { channels }, FLOAT, x.shape.with(1, channels));
  }

  /** Σ over height and width: blocked [batch, channel, height, width] → [batch, channel]. */
  sumOfImages(x: Lowered): Lowered {
    return this.#inGroups(x.shape, (shape) => {
      const [batch, channels, height, width] = shape;
      const images = this.reshape(x, shape);
      const means = this.#b.make("NchwcGlobalAveragePool", [images], {}, FLOAT, [
        batch,
        channels,
        1,
        1,
      ]);
      return this.times(this.reshape(means, [batch, channels]), height * width);
    });
  }

  /**
   * Σ x · y over height and width: blocked [batch, channel, height, width] → [batch, channel]. Computed as a depthwise
   * convolution over batch · channel channels whose kernel is all of y: it reads both arrays once and stores no product.
   */
  productsOfImages(x: Lowered, y: Lowered): Lowered {
    return this.#inGroups(x.shape, ([batch, channels, height, width]) => {
      const groups = batch * channels;
      const image = this.reshape(x, [1, groups, height, width]);
      const kernel = this.reshape(y, [groups, 1, height, width]);
      const attrs = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups };
      return this.reshape(this.conv(image, kernel, attrs), [batch, channels]);
    });
  }

  /**
   * Sums blocked images of this shape in groups of rows → [batch, channel]. The same memory is also an array
   * [batch, channel · group, rows, width] with the groups of a block of channels as further blocks; `sums` takes this shape
   * and gives [batch, channel · group].
   */
  #inGroups(shape: Shape, sums: (grouped: Shape) => Lowered): Lowered {
    const [batch, channels, height, width] = shape;
    const groups = groupsOfRows(shape);
    const perGroup = sums([batch, channels * groups, height / groups, width]);
    if (groups === 1) return perGroup;
    const planes = (batch * channels) / this.block;
    const split = this.reshape(perGroup, [planes, groups, this.block]);
    const attrs = { axes: [1], keepdims: false };
    const total = this.#b.make("ReduceSum", [split], attrs, FLOAT, [planes, this.block]);
    return this.reshape(total, [batch, channels]);
  }

  /** x · factor. */
  times(x: Lowered, factor: number): Lowered {
    return this.#b.make("Mul", [x, this.filled([], factor)], {}, FLOAT, x.shape);
  }

  /** Pooling of a blocked array [batch, channel, height, width]; the result is blocked. */
  pool(op: "NchwcMaxPool" | "NchwcAveragePool", x: Lowered, attrs: PoolAttributes): Lowered {
    return this.#b.make(op, [x], attrs, FLOAT, poolShape(x.shape, attrs));
  }

  /**
   * Weights [out, in, rows, columns] for `conv`: they lie in memory as [out / B, in / B, rows, columns, B in, B out], or as
   * [out / B, in, rows, columns, B out] for an x in NCHW (`plainInput`). Zeros fill the last blocks.
   */
  weights(w: Lowered, { plainInput = false } = {}): Lowered {
    const B = this.block;
    const wholeOut = this.extended(w, 0, this.whole(w.shape[0]));
    const padded = plainInput ? wholeOut : this.extended(wholeOut, 1, this.whole(w.shape[1]));
    const [out, into, rows, columns] = padded.shape;
    const taps = rows * columns;
    if (plainInput) {
      const parts = this.reshape(padded, [out / B, B, into * taps]);
      return this.reshape(this.transpose(parts, [0, 2, 1]), padded.shape);
    }
    // ReorderInput moves the B outputs innermost. The transpose that remains moves whole runs of them.
    const shape = [out / B, B, 1, into * taps];
    const outInnermost = this.#b.make(
      "ReorderInput",
      [this.reshape(padded, shape)],
      {},
      FLOAT,
      shape,
    );
    const parts = this.reshape(outInnermost, [out / B, into / B, B, taps, B]);
    return this.reshape(this.transpose(parts, [0, 1, 3, 2, 4]), padded.shape);
  }

  /**
   * Weights for ∂L/∂x: w is [out, in, rows, columns] as from `weights`; the result has its channel axes exchanged and
   * the given rows and columns of the kernel in the given order: [in, out, rows.length, columns.length]. ReorderInput
   * exchanges channels within blocks, and a transpose of long runs exchanges blocks.
   */
  exchanged(w: Lowered, rows: readonly number[], columns: readonly number[]): Lowered {
    const B = this.block;
    const [out, into, height, width] = w.shape;
    const [outer, inner, taps] = [out / B, into / B, height * width];
    const shape = [outer * inner * taps, B, 1, B];
    const within = this.#b.make("ReorderInput", [this.reshape(w, shape)], {}, FLOAT, shape);
    const places = rows.flatMap((i) => columns.map((j) => i * width + j));
    const blocks = this.reshape(within, [outer, inner, taps, B * B]);
    const picked = this.gathered(blocks, 2, places);
    const result = this.transpose(picked, [1, 0, 2, 3]);
    return this.reshape(result, [into, out, rows.length, columns.length]);
  }

  /** Weights [channel, 1, rows, columns] of a depthwise convolution; in memory [channel / B, rows, columns, B]. */
  depthwiseWeights(w: Lowered): Lowered {
    const padded = this.extended(w, 0, this.whole(w.shape[0]));
    const [channels, , rows, columns] = padded.shape;
    const parts = this.reshape(padded, [channels / this.block, this.block, rows * columns]);
    return this.reshape(this.transpose(parts, [0, 2, 1]), padded.shape);
  }

  /** A vector of `channels` elements as [channel], with zeros for the channels that fill the last block. */
  vector(v: Lowered, channels: number): Lowered {
    return this.extended(this.reshape(v, [channels]), 0, this.whole(channels));
  }

  /** A blocked array as the array [batch, channel / B, pixel, B] that its memory holds. */
  view(x: Lowered): Lowered {
    const shape = this.viewShape(x.shape);
    return this.#b.make("Reshape", [x], { shape }, x.dtype, shape);
  }

  /** A blocked array as the array [batch · channel / B, height, width · B] that its memory holds. */
  planes(x: Lowered): Lowered {
    const [batch, channels, height, width] = x.shape;
    return this.reshape(x, [(batch * channels) / this.block, height, width * this.block]);
  }

  /** The first rows and columns of a blocked array; `shape` has the same batch and channels. */
  cropped(x: Lowered, shape: Shape): Lowered {
    const rows = this.cut(this.planes(x), 1, 0, shape[2]);
    return this.reshape(this.cut(rows, 2, 0, shape[3] * this.block), shape);
  }

  /** [batch, channel, height, width] → [batch, channel / B, pixel, B]. */
  viewShape([batch, channels, height, width]: Shape): Shape {
    return [batch, channels / this.block, height * width, this.block];
  }
}
