// The two gradients of a convolution in operators that ONNX has. Shapes: x [batch, in, height, width],
// w [out, in / groups, rows, columns], dy [batch, out, height of y, width of y].

import type { Lowered } from "../../graph/lowered.ts";
import type { Value } from "../../graph/value.ts";
import type { Builder } from "../builder.ts";
import { Shaping } from "./shaping.ts";

/**
 * ∂L/∂x [batch, in, height, width]. For stride 1 this is a convolution of dy with the kernel rotated by 180° and its channel
 * axes exchanged (Dumoulin & Visin 2016, arXiv:1603.07285, §4), which runs faster than ONNX's ConvTranspose. Otherwise it
 * is a ConvTranspose.
 */
export function inputGradient(
  b: Builder,
  { attrs: { inputShape, ...attrs }, dtype }: Value<"ConvInputGradient">,
  [dy, w]: readonly Lowered[],
): Lowered {
  const { strides, pads, dilations, groups } = attrs;
  const kernel = w.shape.slice(2);
  const reach = kernel.map((n, i) => (n - 1) * dilations[i]);
  const flippedPads = [0, 1, 2, 3].map((i) => reach[i % 2] - pads[i]);
  if (strides.every((s) => s === 1) && groups === 1 && flippedPads.every((n) => n >= 0)) {
    const shaping = new Shaping(b, dtype);
    const [out, into, rows, columns] = w.shape;
    const [start, stop] = [
      [0, 0, rows - 1, columns - 1],
      [out, into, -1, -1],
    ];
    const rotated = rows * columns === 1 ? w : shaping.slice(w, start, stop, [1, 1, -1, -1]);
    const kernels = shaping.transpose(rotated, [1, 0, 2, 3]);
    return b.make("Conv", [dy, kernels], { ...attrs, pads: flippedPads }, dtype, inputShape);
  }
  // Rows and columns of x behind the last window get no gradient. ONNX calls them output padding: less than one stride.
  const outputPadding = [0, 1].map(
    (i) =>
      inputShape[i + 2] -
      ((dy.shape[i + 2] - 1) * strides[i] - pads[i] - pads[i + 2] + reach[i] + 1),
  );
  return b.make("ConvTranspose", [dy, w], { ...attrs, outputPadding }, dtype, inputShape);
}

/**
 * ∂L/∂w [out, in / groups, rows, columns] as one matrix product per example and group, summed over the batch. Groups are one
 * more axis of the products and not graphs of their own: a depthwise convolution has hundreds.
 */
export function weightGradient(
  b: Builder,
  node: Value<"ConvWeightGradient">,
  [x, dy]: readonly Lowered[],
): Lowered {
  const { shape, attrs } = node;
  const { strides, pads, dilations, kernelShape } = attrs;
  // Shifting x by rows and dy by columns copies less than shifting x by both, unless x has few channels.
  const [rows, columns] = kernelShape;
  const dense = strides[1] === 1 && dilations[1] === 1 && pads[1] < columns && pads[3] < columns;
  const copied = rows * x.shape[1] + columns * shape[0];
  return dense && copied < rows * columns * x.shape[1]
    ? shiftedBoth(b, node, x, dy)
    : shiftedInput(b, node, x, dy);
}

/** [batch, channel, …] as [batch, group, channel of the group, pixel]; without the axis of groups if there is one group. */
function inGroups(shaping: Shaping, v: Lowered, groups: number): Lowered {
  const [batch, channels, height, width] = v.shape;
  const split = groups === 1 ? [batch] : [batch, groups];
  return shaping.reshape(v, [...split, channels / groups, height * width]);
}

/**
 * For each tap (i, j) of the kernel, the pixels of x that it reads, times dy:
 * dw[o, c, i, j] = Σ x[n, c, h · stride + i, w · stride + j] · dy[n, o, h, w].
 */
function shiftedInput(
  b: Builder,
  { dtype, shape, attrs: { strides, pads, dilations, groups } }: Value<"ConvWeightGradient">,
  x: Lowered,
  dy: Lowered,
): Lowered {
  const shaping = new Shaping(b, dtype);
  const [batch, channels] = x.shape;
  const [, , height, width] = dy.shape;
  const [, , rows, columns] = shape;
  const padded = shaping.pad(x, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]]);
  const read: Lowered[] = [];
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const [top, left] = [i * dilations[0], j * dilations[1]];
      const bottom = top + (height - 1) * strides[0] + 1;
      const right = left + (width - 1) * strides[1] + 1;
      const stops = [batch, channels, bottom, right];
      const window = shaping.slice(padded, [0, 0, top, left], stops, [1, 1, ...strides]);
      read.push(inGroups(shaping, window, groups));
    }
  // [batch, (group,) out, pixel] · [batch, (group,) tap · in, pixel]ᵀ.
  const flat = inGroups(shaping, dy, groups);
  const total = productOverBatch(b, flat, shaping.concat(read, flat.shape.length - 2));
  const [out, into] = shape;
  const split = shaping.reshape(total, [groups, out / groups, rows * columns, into]);
  const ordered = shaping.transpose(split, [0, 1, 3, 2]);
  return shaping.reshape(ordered, shape);
}

/**
 * Σ x[h + i, w + j] · dy[h, w] = Σ x[h + i, w′] · dy[h, w′ − j], here for stride 1 and no padding: x shifted by each row
 * offset i, times dy shifted by each column offset j, all pairs in one product.
 */
function shiftedBoth(
  b: Builder,
  { dtype, shape, attrs: { strides, pads, dilations, groups } }: Value<"ConvWeightGradient">,
  x: Lowered,
  dy: Lowered,
): Lowered {
  const shaping = new Shaping(b, dtype);
  const [batch, channels, , width] = x.shape;
  const [, out, height] = dy.shape;
  const [, into, rows, columns] = shape;
  const tall = shaping.pad(x, [0, 0, pads[0], 0], [0, 0, pads[2], 0]);
  const shiftedX = Array.from({ length: rows }, (_, i) => {
    const top = i * dilations[0];
    const stops = [batch, channels, top + (height - 1) * strides[0] + 1, width];
    const window = shaping.slice(tall, [0, 0, top, 0], stops, [1, 1, strides[0], 1]);
    return inGroups(shaping, window, groups);
  });
  const wide = shaping.pad(dy, [0, 0, 0, columns - 1 - pads[1]], [0, 0, 0, columns - 1 - pads[3]]);
  const shiftedDy = Array.from({ length: columns }, (_, j) => {
    const left = columns - 1 - j;
    const stops = [batch, out, height, left + width];
    const window = shaping.slice(wide, [0, 0, 0, left], stops, [1, 1, 1, 1]);
    return inGroups(shaping, window, groups);
  });
  // [batch, (group,) column · out, pixel] · [batch, (group,) row · in, pixel]ᵀ.
  const axis = shiftedX[0].shape.length - 2;
  const total = productOverBatch(
    b,
    shaping.concat(shiftedDy, axis),
    shaping.concat(shiftedX, axis),
  );
  const split = shaping.reshape(total, [groups, columns, out / groups, rows, into]);
  return shaping.reshape(shaping.transpose(split, [0, 2, 4, 3, 1]), shape);
}

/** Σ a · cᵀ over the batch: [batch, …, m, k] and [batch, …, n, k] → […, m, n]. */
function productOverBatch(b: Builder, a: Lowered, c: Lowered): Lowered {
  const [batch, ...rest] = a.shape;
  const shape = [...rest.slice(0, -1), c.shape[c.shape.length - 2]];
  const attrs = { transA: false, transB: true, alpha: 1 };
  const products = b.make("FusedMatMul", [a, c], attrs, a.dtype, [batch, ...shape]);
  return b.make("ReduceSum", [products], { axes: [0], keepdims: false }, a.dtype, shape);
}
