import type { Lowered } from "../../graph/lowered.ts";
import type { Builder } from "../builder.ts";
import { maker } from "../maker.ts";

/** Stands for "not here" among positions, all of which are smaller; exact as float32. */
const NOWHERE = 2 ** 24;

/**
 * Where the maximum of each window stands, which WebGPU's MaxPool does not say: the smallest position at which the window
 * has that value. Positions within an image are counted as float32, exactly.
 */
export function poolIndices(b: Builder, node: Lowered<"MaxPoolIndices">): Lowered | null {
  const { attrs, shape, inputs } = node;
  const [x] = inputs;
  const [batch, channels, height, width] = x.shape;
  if (x.dtype !== "float32" || height * width > NOWHERE) return null;
  const { kernel, strides, pads, dilations } = attrs;
  const [, , rows, columns] = shape;
  const { add, min, cast, greater, number, constant } = maker(b);

  // Rows and columns that the last window reaches, if that is beyond x and its pads.
  const reached = [rows, columns].map(
    (n, i) => (n - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1,
  );
  const after = [height, width].map((n, i) => Math.max(0, reached[i] - n - pads[i]));
  const tall = [batch, channels, pads[0] + height + after[0], pads[1] + width + after[1]];
  const around = { before: [0, 0, pads[0], pads[1]], after: [0, 0, ...after] };
  const padded = tall.join() === x.shape.join() ? x : b.make("Pad", [x], around, x.dtype, tall);

  /** Where each window has its place (i, j), within the image. */
  const positions = (i: number, j: number) => {
    const data = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const y = row * strides[0] + i * dilations[0] - pads[0];
        const x = column * strides[1] + j * dilations[1] - pads[1];
        const inside = y >= 0 && y < height && x >= 0 && x < width;
        data[row * columns + column] = inside ? y * width + x : NOWHERE;
      }
    return constant({ dtype: "float32", shape: [1, 1, rows, columns], data });
  };

  const highest = b.make("MaxPool", [x], attrs, x.dtype, shape);
  let first: Lowered | null = null;
  for (let i = 0; i < kernel[0]; i++)
    for (let j = 0; j < kernel[1]; j++) {
      const [top, left] = [i * dilations[0], j * dilations[1]];
      const bottom = top + (rows - 1) * strides[0] + 1;
      const right = left + (columns - 1) * strides[1] + 1;
      const window = {
        starts: [0, 0, top, left],
        stops: [batch, channels, bottom, right],
        steps: [1, 1, ...strides],
      };
      const seen = b.make("Slice", [padded], window, x.dtype, shape);
      const parts = [greater(highest, seen, shape), number(NOWHERE, x.dtype), positions(i, j)];
      const place = b.make("Where", parts, {}, x.dtype, shape);
      first = first === null ? place : min(first, place);
    }
  const images = Int32Array.from({ length: batch * channels }, (_, i) => i * height * width);
  const base = constant({ dtype: "int32", shape: [batch, channels, 1, 1], data: images });
  return cast(add(cast(first as Lowered, "int32"), base), "int64");
}
