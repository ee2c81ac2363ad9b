import type { NdArray, Shape } from "../../math/tensor.ts";
import { fill } from "./interpret-arrays.ts";
import type { PoolAttributes } from "./value.ts";

/** Visits the elements of one window: `see` gets a flat index into x. */
function look(
  [, channels, height, width]: Shape,
  [batch, channel, row, column]: readonly number[],
  { kernel, strides, pads, dilations }: PoolAttributes,
  see: (index: number) => void,
): void {
  for (let i = 0; i < kernel[0]; i++)
    for (let j = 0; j < kernel[1]; j++) {
      const y = row * strides[0] + i * dilations[0] - pads[0];
      const x = column * strides[1] + j * dilations[1] - pads[1];
      if (y < 0 || y >= height || x < 0 || x >= width) continue;
      see(((batch * channels + channel) * height + y) * width + x);
    }
}

/** The index of the largest element of a window, the first one on a tie; −1 in a window of pads alone. */
function largest(x: NdArray, at: readonly number[], attrs: PoolAttributes): number {
  let best = -1;
  look(x.shape, at, attrs, (index) => {
    if (best < 0 || x.data[index] > x.data[best]) best = index;
  });
  return best;
}

export const maxPool = (x: NdArray, shape: Shape, attrs: PoolAttributes): NdArray =>
  fill(x.dtype, shape, (at) => {
    const index = largest(x, at, attrs);
    return index < 0 ? Number.NEGATIVE_INFINITY : Number(x.data[index]);
  });

export const maxPoolIndices = (x: NdArray, shape: Shape, attrs: PoolAttributes): NdArray =>
  fill("int64", shape, (at) => largest(x, at, attrs));

export const averagePool = (x: NdArray, shape: Shape, attrs: PoolAttributes): NdArray =>
  fill(x.dtype, shape, (at) => {
    let total = 0;
    look(x.shape, at, attrs, (index) => {
      total += Number(x.data[index]);
    });
    return total / (attrs.kernel[0] * attrs.kernel[1]);
  });
