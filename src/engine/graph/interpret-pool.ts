import type { NdArray, Shape } from "../../math/tensor.ts";
import { fill } from "./interpret-arrays.ts";
import type { PoolAttributes } from "./value.ts";

/** Visits the elements of one window in row-major order: `visit` gets a flat index into x [batch, channel, height, width]. */
function visitWindow(
  [, channels, height, width]: Shape,
  [batch, channel, row, column]: readonly number[],
  { kernel, strides, pads, dilations }: PoolAttributes,
  visit: (index: number) => void,
): void {
  for (let i = 0; i < kernel[0]; i++)
    for (let j = 0; j < kernel[1]; j++) {
      const y = row * strides[0] + i * dilations[0] - pads[0];
      const x = column * strides[1] + j * dilations[1] - pads[1];
      if (y < 0 || y >= height || x < 0 || x >= width) continue;
      visit(((batch * channels + channel) * height + y) * width + x);
    }
}

/** Flat index of the maximum of a window, the first on a tie; −1 if the window lies in the padding. */
function largest(x: NdArray, at: readonly number[], attrs: PoolAttributes): number {
  let best = -1;
  visitWindow(x.shape, at, attrs, (index) => {
    if (best < 0 || x.data[index] > x.data[best]) best = index;
  });
  return best;
}

/** The maximum of each window: x [batch, channel, height, width] → `shape`. */
export const maxPool = (x: NdArray, shape: Shape, attrs: PoolAttributes): NdArray =>
  fill(x.dtype, shape, (at) => {
    const index = largest(x, at, attrs);
    return index < 0 ? Number.NEGATIVE_INFINITY : Number(x.data[index]);
  });

/** The flat index in x of the maximum of each window; int64, of `shape`. */
export const maxPoolIndices = (x: NdArray, shape: Shape, attrs: PoolAttributes): NdArray =>
  fill("int64", shape, (at) => largest(x, at, attrs));

/** The mean of each window, padding counted as 0; of `shape`. */
export const averagePool = (x: NdArray, shape: Shape, attrs: PoolAttributes): NdArray =>
  fill(x.dtype, shape, (at) => {
    let total = 0;
    visitWindow(x.shape, at, attrs, (index) => {
      total += Number(x.data[index]);
    });
    return total / (attrs.kernel[0] * attrs.kernel[1]);
  });
