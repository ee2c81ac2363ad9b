// Resizing is linear in the pixels and separable, so the import writes one matrix product per axis:
// https://onnx.ai/onnx/operators/onnx__Upsample.html
// https://onnx.ai/onnx/operators/onnx__Resize.html
//
// Upsample: `height_scale` and `width_scale` in opset 1, an attribute `scales` in opset 7, an input
// in opset 9; replaced by Resize in opset 10. Resize: scales only in opset 10; opset 11: sizes, a
// region and modes of coordinates; opset 18: antialiasing, axes and aspect ratios; opset 19:
// half_pixel_symmetric.

import { lookUp } from "../../../math/look-up.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { alongAxis, int64 } from "./arithmetic.ts";
import { checkSize } from "./constants.ts";
import { axisOf, type Importers, type ImportNode, unknownValue } from "./import-node.ts";

/** The resizing of one axis. */
interface AxisResize {
  readonly axis: number;
  /** Length before and after resizing. */
  readonly from: number;
  readonly to: number;
  /** to / from, or the scale that the node states. */
  readonly scale: number;
  /** Start and end of the region that is resized, as fractions of the length; for `tf_crop_and_resize` only. */
  readonly roi: readonly [start: number, end: number];
}

type Coordinate = (i: number, resize: AxisResize) => number;

/** The input position of output i, by `coordinate_transformation_mode`. */
const coordinates: Readonly<Record<string, Coordinate>> = {
  half_pixel: (i, { scale }) => (i + 0.5) / scale - 0.5,
  half_pixel_symmetric: (i, { scale, from, to }) => {
    const adjustment = to / (scale * from);
    return (from / 2) * (1 - adjustment) + (i + 0.5) / scale - 0.5;
  },
  pytorch_half_pixel: (i, { scale, to }) => (to > 1 ? (i + 0.5) / scale - 0.5 : 0),
  align_corners: (i, { from, to }) => (to === 1 ? 0 : (i * (from - 1)) / (to - 1)),
  asymmetric: (i, { scale }) => i / scale,
  tf_half_pixel_for_nn: (i, { scale }) => (i + 0.5) / scale,
  tf_crop_and_resize: (i, { from, to, roi: [start, end] }) =>
    to > 1
      ? start * (from - 1) + (i * (end - start) * (from - 1)) / (to - 1)
      : 0.5 * (start + end) * (from - 1),
};

/** `bilinear` is the name of `linear` in opset 1. */
const modes: readonly string[] = ["nearest", "linear", "bilinear", "cubic"];

/** Rounding of positions, by `nearest_mode`. */
const roundings: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Keys' cubic kernel with the coefficient a (Keys 1981) at a distance t. */
function cubicKernel(t: number, a: number): number {
  const x = Math.abs(t);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/**
 * A position without the rounding of doubles, where it matters: at whole and half numbers. Real positions are quotients of
 * whole numbers and 24-bit scales, which are not as close to those without being one.
 */
function settled(position: number): number {
  const nearest = Math.round(2 * position) / 2;
  return Math.abs(position - nearest) < 2 ** -40 * (1 + Math.abs(position)) ? nearest : position;
}

const clamp = (i: number, n: number) => Math.min(Math.max(i, 0), n - 1);

/** Whether the rules before opset 11 apply. */
const isOld = (node: ImportNode): boolean => node.type === "Upsample" || node.opset < 11;

const crops = (node: ImportNode): boolean =>
  node.string("coordinate_transformation_mode", "") === "tf_crop_and_resize";

function statedScales(node: ImportNode): readonly number[] | undefined {
  if (!isOld(node)) return node.constantNumbers(2);
  if (node.type === "Upsample" && node.has("height_scale"))
    return [1, 1, node.float("height_scale", 1), node.float("width_scale", 1)];
  return node.floats("scales") ?? node.constantNumbers(1);
}

/** The axes that a node resizes, from its scales or else from its sizes. */
function axisResizes(node: ImportNode): AxisResize[] {
  const { shape } = node.input(0);
  const axes =
    node.ints("axes")?.map((axis) => axisOf(node, axis, shape.length)) ?? shape.map((_, i) => i);
  const region = isOld(node) ? undefined : node.constantNumbers(1);
  const roiOf = (i: number) => [region?.[i] ?? 0, region?.[i + axes.length] ?? 1] as const;
  const scales = statedScales(node);
  // Both inputs may be present; then the unused input is empty.
  if (scales !== undefined && scales.length > 0)
    return axes.map((axis, i) => byScale(node, axis, scales[i], roiOf(i)));
  const sizes = isOld(node) ? undefined : node.constantNumbers(3);
  if (sizes === undefined) throw node.invalid("neither sizes nor scales are given");
  const policy = node.string("keep_aspect_ratio_policy", "stretch");
  const ratios = axes.map((axis, i) => sizes[i] / shape[axis]);
  const common = policy === "not_smaller" ? Math.max(...ratios) : Math.min(...ratios);
  return axes.map((axis, i) => {
    const from = shape[axis];
    if (policy === "stretch")
      return { axis, from, to: sizes[i], scale: sizes[i] / from, roi: roiOf(i) };
    return { axis, from, to: Math.round(common * from), scale: common, roi: roiOf(i) };
  });
}

function byScale(
  node: ImportNode,
  axis: number,
  scale: number,
  roi: AxisResize["roi"],
): AxisResize {
  if (node.type === "Upsample" && scale < 1)
    throw node.invalid(`the scale is ${scale}, but Upsample requires scales of at least 1`);
  const from = node.input(0).shape[axis];
  const fraction = crops(node) ? roi[1] - roi[0] : 1;
  return { axis, from, to: Math.floor(from * fraction * scale), scale, roi };
}

/** (x, …) ↦ x resized along each axis in turn. */
function resize(node: ImportNode): Value {
  const mode = node.string("mode", "nearest");
  const fallback = isOld(node) ? "asymmetric" : "half_pixel";
  const name = node.string("coordinate_transformation_mode", fallback);
  const coordinate = lookUp(coordinates, name);
  if (coordinate === undefined)
    throw unknownValue(node, "coordinate_transformation_mode", name, Object.keys(coordinates));
  if (!modes.includes(mode)) throw unknownValue(node, "mode", mode, modes);
  return axisResizes(node).reduce((x, one) => {
    const { from, to } = one;
    if (to === from && one.scale === 1 && !crops(node)) return x;
    checkSize(node, mode === "nearest" ? [to] : [from, to]);
    return mode === "nearest"
      ? nearestAlong(node, x, one, coordinate)
      : filteredAlong(node, x, one, coordinate);
  }, node.input(0));
}

/** Opset 10 does not specify the rounding. The ONNX tests of opset 10 round up if an axis shrinks. */
function defaultRounding(node: ImportNode, scale: number): string {
  if (!isOld(node)) return "round_prefer_floor";
  return scale < 1 ? "ceil" : "floor";
}

function nearestAlong(
  node: ImportNode,
  x: Value,
  resize: AxisResize,
  coordinate: Coordinate,
): Value {
  const { axis, from, to } = resize;
  const mode = node.string("nearest_mode", defaultRounding(node, resize.scale));
  const round = lookUp(roundings, mode);
  if (round === undefined) throw unknownValue(node, "nearest_mode", mode, Object.keys(roundings));
  const indices = Array.from({ length: to }, (_, i) =>
    clamp(round(settled(coordinate(i, resize))), from),
  );
  const factor = to / from;
  // Repeating each pixel needs no indices, and the gradient is a sum.
  if (Number.isInteger(factor) && indices.every((index, i) => index === Math.floor(i / factor))) {
    const split = x.shape.toSpliced(axis + 1, 0, 1);
    const repeated = g.expand(g.reshape(x, split), split.with(axis + 1, factor));
    return g.reshape(repeated, x.shape.with(axis, to));
  }
  return g.gather(x, int64(indices), axis);
}

/** A kernel and the distance beyond which it is 0. */
interface Filter {
  readonly weight: (distance: number) => number;
  readonly radius: number;
  /** A bound of the slope of `weight`, and of the coefficients that it is computed from. */
  readonly slope: number;
}

function filterOf(node: ImportNode): Filter {
  if (node.string("mode", "") !== "cubic")
    return { weight: (t) => Math.max(0, 1 - Math.abs(t)), radius: 1, slope: 1 };
  const a = node.float("cubic_coeff_a", -0.75);
  return { weight: (t) => cubicKernel(t, a), radius: 2, slope: 16 * (1 + Math.abs(a)) };
}

/** Weights [from] of one output, and bounds of their errors. */
interface Weights {
  readonly values: Float64Array;
  readonly errors: Float64Array;
}

/**
 * The weights of the output at this position. Antialiasing widens the filter by the factor by which
 * the axis shrinks.
 */
function weightsAt(
  node: ImportNode,
  position: number,
  { from, scale, roi }: AxisResize,
  { weight, radius, slope }: Filter,
): Weights {
  const excludeOutside = node.int("exclude_outside", 0) === 1;
  const stretch = node.int("antialias", 0) === 1 && scale < 1 ? scale : 1;
  const reach = radius / stretch;
  const weights = new Float64Array(from);
  let total = 0;
  if (!(Math.abs(position) + reach < 2 ** 31))
    throw node.invalid(`the position ${position} is too far outside an axis of length ${from}`);
  const [first, last] = [Math.ceil(position - reach), Math.floor(position + reach)];
  for (let i = first; i <= last; i++) {
    const w = weight((i - position) * stretch);
    if (excludeOutside && (i < 0 || i >= from)) continue;
    weights[clamp(i, from)] += w;
    total += w;
  }
  const values = weights.map((w) => w / total);
  // A position is a few operations on numbers of this size; the sum of all weights has the errors of all its terms.
  const taps = last - first + 3;
  const size = 1 + Math.abs(position) + from * (1 + Math.abs(roi[0]) + Math.abs(roi[1]));
  const error = slope * size * taps * 2 ** -46;
  const errors = new Float64Array(from);
  // An inexact position may also have another pixel in reach, on either side.
  for (let i = clamp(first - 1, from); i <= clamp(last + 1, from); i++)
    errors[i] = error < total / 4 ? (2 * error * (1 + Math.abs(values[i]))) / total : Infinity;
  return { values, errors };
}

function filteredAlong(
  node: ImportNode,
  x: Value,
  resize: AxisResize,
  coordinate: Coordinate,
): Value {
  const { axis, from, to } = resize;
  const filter = filterOf(node);
  const positions = Array.from({ length: to }, (_, i) => coordinate(i, resize));
  const isOutside = positions.map(settled).map((at) => crops(node) && (at < 0 || at > from - 1));
  const [values, errors] = [new Float64Array(from * to), new Float64Array(from * to)];
  for (const [i, position] of positions.entries()) {
    if (isOutside[i]) continue;
    const weights = weightsAt(node, position, resize, filter);
    for (let j = 0; j < from; j++) {
      values[j * to + i] = weights.values[j];
      errors[j * to + i] = weights.errors[j];
    }
  }
  const y = alongAxis(x, axis, g.computed([from, to], values, { errors }));
  const extrapolated = node.float("extrapolation_value", 0);
  if (extrapolated === 0 || !isOutside.includes(true)) return y;
  const fill = Float32Array.from(isOutside, (outside) => (outside ? extrapolated : 0));
  const shape = y.shape.map((n, i) => (i === axis ? n : 1));
  return g.add(y, g.cast(g.constant({ dtype: "float32", shape, data: fill }), y.dtype));
}

/** Importers of Resize and Upsample. */
export const resizing: Importers = { Resize: resize, Upsample: resize };
