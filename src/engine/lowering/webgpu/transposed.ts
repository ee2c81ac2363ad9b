import type { Lowered } from "../../graph/lowered.ts";
import type { Builder } from "../builder.ts";
import { Shaping } from "../plain/shaping.ts";

type TransposedConv = Lowered<"ConvTranspose">;

/**
 * A grouped transposed convolution as a convolution of dy, with zeros between its pixels, with rotated kernels (Dumoulin &
 * Visin 2016, arXiv:1603.07285, §4). WebGPU's own ConvTranspose gives wrong numbers if a group has one channel of x and
 * two of dy (ONNX Runtime 1.30). Null for a single group. dy is [batch, out, height, width] and w
 * [out, in / groups, rows, columns].
 */
export function groupedTransposed(b: Builder, node: TransposedConv): Lowered | null {
  const { attrs, inputs, dtype, shape } = node;
  const { strides, pads, dilations, groups, outputPadding } = attrs;
  if (groups === 1) return null;
  const [dy, w] = inputs;
  const shaping = new Shaping(b, dtype);
  const [, , rows, columns] = w.shape;
  const reach = [(rows - 1) * dilations[0], (columns - 1) * dilations[1]];
  const before = [0, 1].map((i) => reach[i] - pads[i]);
  const after = [0, 1].map((i) => reach[i] - pads[i + 2] + outputPadding[i] - (strides[i] - 1));
  const image = cropped(shaping, spread(shaping, dy, strides), before, after);
  const padding = [...before, ...after].map((n) => Math.max(0, n));
  const geometry = { strides: [1, 1], pads: padding, dilations, groups };
  return b.make("Conv", [image, rotatedKernels(shaping, w, groups)], geometry, dtype, shape);
}

/** x [batch, channel, height, width] with stride − 1 zeros behind each row and column. */
function spread(shaping: Shaping, x: Lowered, strides: readonly number[]): Lowered {
  if (strides[0] * strides[1] === 1) return x;
  const [batch, channels, height, width] = x.shape;
  const pixels = shaping.reshape(x, [batch * channels, height, 1, width, 1]);
  const padded = shaping.pad(pixels, [0, 0, 0, 0, 0], [0, 0, strides[0] - 1, 0, strides[1] - 1]);
  return shaping.reshape(padded, [batch, channels, height * strides[0], width * strides[1]]);
}

/** x without the rows and columns that a negative padding removes. */
function cropped(
  shaping: Shaping,
  x: Lowered,
  before: readonly number[],
  after: readonly number[],
): Lowered {
  const [batch, channels, ...spatial] = x.shape;
  const start = before.map((n) => Math.max(0, -n));
  const stop = spatial.map((length, i) => length + Math.min(0, after[i]));
  const isWhole = start.every((n) => n === 0) && stop.every((n, i) => n === spatial[i]);
  if (isWhole) return x;
  return shaping.slice(x, [0, 0, ...start], [batch, channels, ...stop], [1, 1, 1, 1]);
}

/** [group · out, in, row, column] → [group · in, out, row, column], rotated by 180°; out and in are those of a group. */
function rotatedKernels(shaping: Shaping, w: Lowered, groups: number): Lowered {
  const [allOut, into, rows, columns] = w.shape;
  const out = allOut / groups;
  const grouped = shaping.reshape(w, [groups, out, into, rows, columns]);
  const exchanged = shaping.reshape(shaping.transpose(grouped, [0, 2, 1, 3, 4]), [
    groups * into,
    out,
    rows,
    columns,
  ]);
  if (rows * columns === 1) return exchanged;
  return shaping.slice(
    exchanged,
    [0, 0, rows - 1, columns - 1],
    [groups * into, out, -1, -1],
    [1, 1, -1, -1],
  );
}
