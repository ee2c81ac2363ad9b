import { elementCount, type Shape, tensor } from "../math/tensor.ts";
import type { Split } from "./dataset.ts";

/** Images and their labels, as loaders read them. */
export interface Examples {
  /** Shape [example, channel, height, width]: bytes in 0 … 255, or floats in [0, 1]. */
  readonly pixels: Uint8Array | Float32Array;
  /** Class index of each example. */
  readonly labels: Uint8Array | Int32Array;
}

/** A split of these examples; `shape` is the [channel, height, width] of one. */
export function splitOf({ pixels, labels }: Examples, shape: Shape): Split {
  const row = elementCount(shape);
  if (pixels.length !== labels.length * row)
    throw new Error(`internal: ${labels.length} labels, but ${pixels.length / row} images`);
  const white = pixels instanceof Uint8Array ? 255 : 1;
  return {
    size: labels.length,
    labels,
    images(indices) {
      const x = tensor([indices.length, ...shape]);
      indices.forEach((index, i) => {
        if (!(index in labels))
          throw new Error(`index ${index} is out of range: there are ${labels.length} examples`);
        for (let j = 0; j < row; j++) x.data[i * row + j] = pixels[index * row + j] / white;
      });
      return x;
    },
  };
}

/** Concatenates the examples of several files. */
export function concatenated(
  parts: readonly (Examples & { readonly pixels: Uint8Array })[],
): Examples {
  const count = (of: (part: Examples) => number) => parts.reduce((sum, part) => sum + of(part), 0);
  const pixels = new Uint8Array(count((part) => part.pixels.length));
  const labels = new Int32Array(count((part) => part.labels.length));
  let [pixelOffset, labelOffset] = [0, 0];
  for (const part of parts) {
    pixels.set(part.pixels, pixelOffset);
    labels.set(part.labels, labelOffset);
    pixelOffset += part.pixels.length;
    labelOffset += part.labels.length;
  }
  return { pixels, labels };
}

/** Mean and standard deviation per channel, of pixels in [0, 1]; a model normalises by them in its first layer. */
export interface ChannelStatistics {
  readonly mean: readonly number[];
  /** 1 for a constant channel, so that it can be divided by. */
  readonly std: readonly number[];
}

/** Mean and standard deviation (divisor n, not n − 1) of each channel; the shape is [channel, height, width]. */
export function channelStatistics(
  { pixels }: Examples,
  [channels, ...plane]: Shape,
): ChannelStatistics {
  const area = elementCount(plane);
  const white = pixels instanceof Uint8Array ? 255 : 1;
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (let start = 0, channel = 0; start < pixels.length; start += area) {
    let [sum, square] = [0, 0]; // exact for bytes
    for (let i = start; i < start + area; i++) {
      sum += pixels[i];
      square += pixels[i] * pixels[i];
    }
    sums[channel] += sum;
    squares[channel] += square;
    channel = (channel + 1) % channels;
  }
  const n = pixels.length / channels;
  const mean = Array.from(sums, (sum) => sum / n);
  const std = mean.map((m, channel) => Math.sqrt(Math.max(0, squares[channel] / n - m * m)));
  return {
    mean: mean.map((m) => m / white),
    std: std.map((s) => (s > 1e-6 * white ? s / white : 1)),
  };
}
