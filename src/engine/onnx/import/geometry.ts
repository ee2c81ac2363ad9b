// Windows over any number of spatial axes, as ONNX's attributes describe them.

import type { Shape } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { ConvAttributes, Value } from "../../graph/value.ts";
import type { ImportNode } from "./import-node.ts";

/** A window over the spatial axes; `pads` holds all begins, then all ends. */
export interface Geometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

/** Pixels that a window's lengths, steps and pads may count. */
const MAX_LENGTH = 2 ** 20;

/** How a node asks for pads; what is none of ONNX's words is refused. */
export function autoPadOf(node: ImportNode): string {
  const auto = node.text("auto_pad", "NOTSET");
  // Old exporters write nothing instead of the default.
  if (auto === "") return "NOTSET";
  if (!["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].includes(auto))
    throw node.error(`pads by ${JSON.stringify(auto)}, which is unknown`);
  return auto;
}

/** The geometry of a node whose input has these spatial lengths. */
export function geometryOf(node: ImportNode, input: Shape, kernel: readonly number[]): Geometry {
  const ones = kernel.map(() => 1);
  const strides = node.ints("strides", ones) ?? ones;
  const dilations = node.ints("dilations", ones) ?? ones;
  const zeros = [...kernel, ...kernel].map(() => 0);
  const stated = node.ints("pads", zeros) ?? zeros;
  if (
    kernel.length !== input.length ||
    [strides, dilations].some((v) => v.length !== kernel.length)
  )
    throw node.error(
      `kernel [${kernel}], strides [${strides}] and dilations [${dilations}] for ${input.length} spatial axes`,
    );
  if (stated.length !== 2 * kernel.length)
    throw node.error(`pads [${stated}] for ${kernel.length} spatial axes`);
  const furthest = Math.max(...[...strides, ...dilations, ...kernel, ...stated].map(Math.abs), 0);
  if (furthest > MAX_LENGTH)
    throw node.error(`a window of ${furthest} pixels or steps, which no image has`);
  if ([...strides, ...dilations, ...kernel].some((n) => !(n >= 1)))
    throw node.error(
      `kernel [${kernel}], strides [${strides}] and dilations [${dilations}]; none may be below 1`,
    );
  const auto = autoPadOf(node);
  if (!auto.startsWith("SAME"))
    return { kernel, strides, dilations, pads: auto === "VALID" ? zeros : stated };
  const totals = input.map((length, i) => {
    const extent = (kernel[i] - 1) * dilations[i] + 1;
    return Math.max((Math.ceil(length / strides[i]) - 1) * strides[i] + extent - length, 0);
  });
  const more = totals.map((total) => Math.ceil(total / 2));
  const less = totals.map((total) => Math.floor(total / 2));
  return {
    kernel,
    strides,
    dilations,
    pads: auto === "SAME_UPPER" ? [...less, ...more] : [...more, ...less],
  };
}

/** A value with one spatial axis as an image of one row. */
export const asImage = (x: Value): Value => g.reshape(x, [...x.shape.slice(0, 2), 1, x.shape[2]]);

/** An image of one row as a value with one spatial axis. */
export const asLine = (y: Value): Value => g.reshape(y, [y.shape[0], y.shape[1], y.shape[3]]);

/** The geometry of one row. */
export const onOneRow = ({ kernel, strides, dilations, pads }: Geometry): Geometry => ({
  kernel: [1, ...kernel],
  strides: [1, ...strides],
  dilations: [1, ...dilations],
  pads: [0, pads[0], 0, pads[1]],
});

/** The geometry without its first spatial axis. */
export const withoutDepth = ({ kernel, strides, dilations, pads }: Geometry): Geometry => ({
  kernel: kernel.slice(1),
  strides: strides.slice(1),
  dilations: dilations.slice(1),
  pads: [pads[1], pads[2], pads[4], pads[5]],
});

/** Convolution over one, two or three spatial axes. */
export function convolution(
  node: ImportNode,
  x: Value,
  w: Value,
  geometry: Geometry,
  groups: number,
): Value {
  const { kernel: _, ...attrs } = geometry;
  if (x.shape.length === 4) return g.conv(x, w, { ...attrs, groups });
  if (x.shape.length === 3)
    return asLine(convolution(node, asImage(x), asImage(w), onOneRow(geometry), groups));
  if (x.shape.length !== 5)
    throw node.error(`a convolution over ${x.shape.length - 2} axes; up to 3 can be read`);
  return overDepth(x, w, geometry, { ...withoutDepth(geometry), groups });
}

/** The sum over the kernel's depth of convolutions in the plane, with depth counted as batch. */
function overDepth(x: Value, w: Value, geometry: Geometry, plane: ConvAttributes): Value {
  const { kernel, strides, dilations, pads } = geometry;
  const padded = g.pad(x, [0, 0, pads[0], 0, 0], [0, 0, pads[3], 0, 0]);
  const depth = padded.shape[2];
  const count = Math.floor((depth - (kernel[0] - 1) * dilations[0] - 1) / strides[0]) + 1;
  const parts = Array.from({ length: kernel[0] }, (_, i) => {
    const from = i * dilations[0];
    const seen = g.sliceAxis(padded, 2, from, from + (count - 1) * strides[0] + 1, strides[0]);
    const [batch, channels, , height, width] = seen.shape;
    const flat = g.reshape(g.transpose(seen, [0, 2, 1, 3, 4]), [
      batch * count,
      channels,
      height,
      width,
    ]);
    const slice = g.sliceAxis(w, 2, i, i + 1);
    return g.conv(flat, g.reshape(slice, [w.shape[0], w.shape[1], ...w.shape.slice(3)]), plane);
  });
  const total = parts.reduce(g.add);
  const [, out, height, width] = total.shape;
  return g.transpose(g.reshape(total, [x.shape[0], count, out, height, width]), [0, 2, 1, 3, 4]);
}

/** A value per channel, [channel], ready to be added to [batch, channel, ...]. */
export const perChannel = (v: Value, rank: number): Value =>
  g.reshape(v, [1, v.shape[0], ...new Array<number>(rank - 2).fill(1)]);
