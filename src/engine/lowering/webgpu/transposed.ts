import type { Lowered } from "../../graph/lowered.ts";
import type { Builder } from "../builder.ts";
import { shaping } from "../plain/shaping.ts";

/**
 * A transposed convolution in groups as a convolution of dy, with zeros between its rows, and turned kernels: WebGPU's own
 * gives wrong numbers where a group has one channel of x and two of dy (ONNX Runtime 1.30).
 */
export function groupedTransposed(b: Builder, node: Lowered<"ConvTranspose">): Lowered | null {
  const { attrs, inputs, dtype, shape } = node;
  const { strides, pads, dilations, groups, outputPadding } = attrs;
  if (groups === 1) return null;
  const [dy, w] = inputs;
  const { reshape, transpose, slice, pad } = shaping(b, dtype);
  const [batch, out, height, width] = dy.shape;
  const [, into, rows, columns] = w.shape;

  const spaced = [height * strides[0], width * strides[1]];
  const apart =
    strides[0] * strides[1] === 1
      ? dy
      : reshape(
          pad(
            reshape(dy, [batch * out, height, 1, width, 1]),
            [0, 0, 0, 0, 0],
            [0, 0, strides[0] - 1, 0, strides[1] - 1],
          ),
          [batch, out, ...spaced],
        );
  // Zeros around it, fewer than none where the convolution had more padding than its kernel reaches.
  const reach = [(rows - 1) * dilations[0], (columns - 1) * dilations[1]];
  const before = [0, 1].map((i) => reach[i] - pads[i]);
  const after = [0, 1].map((i) => reach[i] - pads[i + 2] + outputPadding[i] - (strides[i] - 1));
  const start = before.map((n) => Math.max(0, -n));
  const stop = [0, 1].map((i) => spaced[i] + Math.min(0, after[i]));
  const whole = start.every((n) => n === 0) && stop.every((n, i) => n === spaced[i]);
  const kept = whole ? apart : slice(apart, [0, 0, ...start], [batch, out, ...stop], [1, 1, 1, 1]);

  // [group · out, into, row, column] → [group · into, out, row, column], turned by 180°
  const grouped = reshape(w, [groups, out / groups, into, rows, columns]);
  const exchanged = reshape(transpose(grouped, [0, 2, 1, 3, 4]), [
    groups * into,
    out / groups,
    rows,
    columns,
  ]);
  const turned =
    rows * columns === 1
      ? exchanged
      : slice(
          exchanged,
          [0, 0, rows - 1, columns - 1],
          [groups * into, out / groups, -1, -1],
          [1, 1, -1, -1],
        );
  const around = [...before, ...after].map((n) => Math.max(0, n));
  const geometry = { strides: [1, 1], pads: around, dilations, groups };
  return b.make("Conv", [kept, turned], geometry, dtype, shape);
}
