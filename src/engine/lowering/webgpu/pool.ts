import type { NdArray } from "../../../math/tensor.ts";
import type { Lowered } from "../../graph/lowered.ts";
import type { Builder } from "../builder.ts";
import { maker } from "../maker.ts";

type PoolIndices = Lowered<"MaxPoolIndices">;

/** A position larger than any position in an image; exact in float32. */
const NOWHERE = 2 ** 24;

/**
 * The position of the maximum of each window, which WebGPU's MaxPool does not return: the smallest position at which x
 * [batch, channel, height, width] equals the maximum. Positions within an image are computed in float32, exactly. Null for
 * other dtypes and for images of more than 2²⁴ pixels.
 */
export function poolIndices(b: Builder, node: PoolIndices): Lowered | null {
  const { attrs, shape, inputs } = node;
  const [x] = inputs;
  const [batch, channels, height, width] = x.shape;
  if (x.dtype !== "float32" || height * width > NOWHERE) return null;
  const { kernel, strides, dilations } = attrs;
  const [, , rows, columns] = shape;
  const { add, min, cast, greater, number, constant } = maker(b);

  const padded = padToWindows(b, node);
  const highest = b.make("MaxPool", [x], attrs, x.dtype, shape);
  let smallest: Lowered | null = null;
  for (let i = 0; i < kernel[0]; i++)
    for (let j = 0; j < kernel[1]; j++) {
      // Element (i, j) of every window: [batch, channel, rows, columns].
      const [top, left] = [i * dilations[0], j * dilations[1]];
      const bottom = top + (rows - 1) * strides[0] + 1;
      const right = left + (columns - 1) * strides[1] + 1;
      const range = {
        starts: [0, 0, top, left],
        stops: [batch, channels, bottom, right],
        steps: [1, 1, ...strides],
      };
      const element = b.make("Slice", [padded], range, x.dtype, shape);
      const isLower = greater(highest, element, shape);
      const position = constant(positionsOf(node, i, j));
      const candidate = [isLower, number(NOWHERE, x.dtype), position];
      const place = b.make("Where", candidate, {}, x.dtype, shape);
      smallest = smallest === null ? place : min(smallest, place);
    }
  const offsets = Int32Array.from({ length: batch * channels }, (_, i) => i * height * width);
  const images = constant({ dtype: "int32", shape: [batch, channels, 1, 1], data: offsets });
  return cast(add(cast(smallest as Lowered, "int32"), images), "int64");
}

/** x with zeros for its padding, and up to the rows and columns that the last window reaches. */
function padToWindows(b: Builder, { attrs, shape, inputs: [x] }: PoolIndices): Lowered {
  const { kernel, strides, pads, dilations } = attrs;
  const [batch, channels, height, width] = x.shape;
  const reached = [0, 1].map(
    (i) => (shape[i + 2] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1,
  );
  const behind = [0, 1].map((i) => Math.max(0, reached[i] - x.shape[i + 2] - pads[i]));
  const padded = [batch, channels, pads[0] + height + behind[0], pads[1] + width + behind[1]];
  if (padded.join() === x.shape.join()) return x;
  const padding = { before: [0, 0, pads[0], pads[1]], after: [0, 0, ...behind] };
  return b.make("Pad", [x], padding, x.dtype, padded);
}

/** The position within the image of element (i, j) of each window, NOWHERE in the padding: [1, 1, rows, columns]. */
function positionsOf({ attrs, shape, inputs: [x] }: PoolIndices, i: number, j: number): NdArray {
  const { strides, pads, dilations } = attrs;
  const [, , height, width] = x.shape;
  const [, , rows, columns] = shape;
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const y = row * strides[0] + i * dilations[0] - pads[0];
      const x = column * strides[1] + j * dilations[1] - pads[1];
      const inside = y >= 0 && y < height && x >= 0 && x < width;
      data[row * columns + column] = inside ? y * width + x : NOWHERE;
    }
  return { dtype: "float32", shape: [1, 1, rows, columns], data };
}
