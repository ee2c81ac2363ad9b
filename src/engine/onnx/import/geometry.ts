// Windows over spatial axes, as the attributes of https://onnx.ai/onnx/operators/onnx__Conv.html
// describe them, for convolutions and pools.

import type { Shape } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { ConvAttributes, Value } from "../../graph/value.ts";
import { type ImportNode, unknownValue } from "./import-node.ts";

/** A window over the spatial axes, with one number per axis. `pads` lists all begins, then all ends. */
export interface Geometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

/** The largest length, stride, dilation or pad of a window, in pixels. */
const MAX_LENGTH = 2 ** 20;

/** The modes of `auto_pad`. */
const AUTO_PADS: readonly string[] = ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"];

/** The `auto_pad` of a node; throws `UsageError` for an unknown mode. */
export function autoPadOf(node: ImportNode): string {
  const auto = node.string("auto_pad", "NOTSET");
  // Old exporters write an empty string instead of the default.
  if (auto === "") return "NOTSET";
  if (!AUTO_PADS.includes(auto)) throw unknownValue(node, "auto_pad", auto, AUTO_PADS);
  return auto;
}

/**
 * The geometry of a node for an input with these spatial lengths, with `auto_pad` resolved. Throws
 * `UsageError` for attributes that do not fit the number of axes or are out of range.
 */
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
    throw node.invalid(
      `kernel [${kernel}], strides [${strides}] and dilations [${dilations}] do not fit ${input.length} spatial axes`,
    );
  if (stated.length !== 2 * kernel.length)
    throw node.invalid(`pads [${stated}] do not fit ${kernel.length} spatial axes`);
  const largest = Math.max(...[...strides, ...dilations, ...kernel, ...stated].map(Math.abs), 0);
  if (largest > MAX_LENGTH)
    throw node.invalid(
      `a kernel length, stride, dilation or pad of ${largest} exceeds ${MAX_LENGTH}`,
    );
  if ([...strides, ...dilations, ...kernel].some((n) => !(n >= 1)))
    throw node.invalid(
      `kernel [${kernel}], strides [${strides}] and dilations [${dilations}] must all be at least 1`,
    );
  const auto = autoPadOf(node);
  if (!auto.startsWith("SAME"))
    return { kernel, strides, dilations, pads: auto === "VALID" ? zeros : stated };
  const totals = input.map((length, i) => {
    const extent = (kernel[i] - 1) * dilations[i] + 1;
    return Math.max((Math.ceil(length / strides[i]) - 1) * strides[i] + extent - length, 0);
  });
  const larger = totals.map((total) => Math.ceil(total / 2));
  const smaller = totals.map((total) => Math.floor(total / 2));
  return {
    kernel,
    strides,
    dilations,
    pads: auto === "SAME_UPPER" ? smaller.concat(larger) : larger.concat(smaller),
  };
}

/** [batch, channel, length] → [batch, channel, 1, length]: an image of one row. */
export const asImage = (x: Value): Value => g.reshape(x, [...x.shape.slice(0, 2), 1, x.shape[2]]);

/** [batch, channel, 1, length] → [batch, channel, length], the inverse of `asImage`. */
export const asLine = (y: Value): Value => g.reshape(y, [y.shape[0], y.shape[1], y.shape[3]]);

/** The geometry for `asImage`. */
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

/**
 * The convolution of x [batch, in, ...spatial] with w [out, in / groups, ...kernel] over one, two
 * or three spatial axes. Throws `UsageError` for more axes.
 */
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
    throw node.unsupported(`${x.shape.length - 2} spatial axes are not supported, only up to 3`);
  return overDepth(x, w, geometry, { ...withoutDepth(geometry), groups });
}

/**
 * A convolution over [depth, height, width]: the sum over the kernel's depth of convolutions over
 * [height, width], with depth folded into the batch.
 */
function overDepth(x: Value, w: Value, geometry: Geometry, plane: ConvAttributes): Value {
  const { kernel, strides, dilations, pads } = geometry;
  const padded = g.pad(x, [0, 0, pads[0], 0, 0], [0, 0, pads[3], 0, 0]);
  const depth = padded.shape[2];
  const count = Math.floor((depth - (kernel[0] - 1) * dilations[0] - 1) / strides[0]) + 1;
  const parts = Array.from({ length: kernel[0] }, (_, i) => {
    const from = i * dilations[0];
    const layers = g.sliceAxis(padded, 2, from, from + (count - 1) * strides[0] + 1, strides[0]);
    const [batch, channels, , height, width] = layers.shape;
    const flat = g.reshape(g.transpose(layers, [0, 2, 1, 3, 4]), [
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

/** [channel] → [1, channel, 1, …] of this rank, which broadcasts to [batch, channel, ...]. */
export const perChannel = (v: Value, rank: number): Value =>
  g.reshape(v, [1, v.shape[0], ...new Array<number>(rank - 2).fill(1)]);
