// The axes of an image.
import type { Shape } from "../math/tensor.ts";

/** The size of an image: channels, rows and columns. */
export interface Frame {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Images are [channel, height, width] or [height, width]; anything else is one row. */
export function frameOf(pixels: Shape): Frame {
  if (pixels.length === 3) {
    const [channels, height, width] = pixels;
    return { channels, height, width };
  }
  if (pixels.length === 2) return { channels: 1, height: pixels[0], width: pixels[1] };
  return { channels: 1, height: 1, width: pixels.reduce((product, n) => product * n, 1) };
}

/**
 * The positions of an image [...pixels]: height × width of [channel, height, width], and all numbers of other shapes. Number `i`
 * of an image is a channel of pixel `i % positions`.
 */
export function positionsOf(pixels: Shape): number {
  const { height, width } = frameOf(pixels);
  return height * width;
}
