// Resizing is linear in the pixels and works axis by axis, so it is a product with one matrix per axis.

import { own } from "../../../math/own.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { alongAxis, int64 } from "./arithmetic.ts";
import { checkSize } from "./constants.ts";
import { axisOf, type Importers, type ImportNode } from "./import-node.ts";

interface Resized {
  /** Length of the axis before and after. */
  readonly from: number;
  readonly to: number;
  /** to / from, or what the file states. */
  readonly scale: number;
  /** Part of the axis that is resized, as shares of its length; of `tf_crop_and_resize`. */
  readonly roi: readonly [number, number];
}

/** Where the centre of output i lies among the inputs (ONNX, Resize: coordinate_transformation_mode). */
const coordinates: Readonly<Record<string, (i: number, how: Resized) => number>> = {
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

/** `bilinear` is opset 1's word for `linear`. */
const modes: readonly string[] = ["nearest", "linear", "bilinear", "cubic"];

const nearest: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Keys' cubic kernel with coefficient a (Keys 1981). */
function cubic(t: number, a: number): number {
  const x = Math.abs(t);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

interface Filter {
  readonly weight: (distance: number) => number;
  readonly radius: number;
}

const clamp = (i: number, n: number) => Math.min(Math.max(i, 0), n - 1);

/** Weights [from] of one output; an antialiasing filter is widened by the factor that the axis shrinks by. */
function row(
  x: number,
  { from, scale }: Resized,
  { weight, radius }: Filter,
  antialias: boolean,
  excludeOutside: boolean,
): Float64Array {
  const widened = antialias && scale < 1 ? scale : 1;
  const reach = radius / widened;
  const weights = new Float64Array(from);
  let total = 0;
  if (!(Math.abs(x) + reach < 2 ** 31)) throw new Error(`reads at ${x} of an axis of ${from}`);
  for (let i = Math.ceil(x - reach); i <= Math.floor(x + reach); i++) {
    const w = weight((i - x) * widened);
    if (excludeOutside && (i < 0 || i >= from)) continue;
    weights[clamp(i, from)] += w;
    total += w;
  }
  return weights.map((w) => w / total);
}

/** Scales before opset 11: two numbers in opset 1, then a list, then an input. */
function oldScales(node: ImportNode): readonly number[] | undefined {
  if (node.type === "Upsample" && node.has("height_scale"))
    return [1, 1, node.float("height_scale", 1), node.float("width_scale", 1)];
  return node.floats("scales") ?? node.constantInts(1);
}

/** The new length and the scale of each axis; roi in shares. */
function sizes(node: ImportNode): { readonly axis: number; readonly how: Resized }[] {
  const x = node.input(0);
  const rank = x.shape.length;
  const old = node.type === "Upsample" || node.opset < 11;
  const axes = node.ints("axes")?.map((a) => axisOf(node, a, rank)) ?? x.shape.map((_, i) => i);
  const stated = old ? oldScales(node) : node.constantInts(2);
  const scales = stated?.length ? stated : undefined;
  const wanted = old ? undefined : node.constantInts(3);
  const region = old ? undefined : node.constantInts(1);
  const policy = node.text("keep_aspect_ratio_policy", "stretch");
  const ratios = axes.map((axis, i) => (wanted?.[i] ?? 0) / x.shape[axis]);
  const common = policy === "not_smaller" ? Math.max(...ratios) : Math.min(...ratios);
  return axes.map((axis, i) => {
    const from = x.shape[axis];
    if (node.type === "Upsample" && (scales?.[i] ?? 1) < 1)
      throw node.error(`scales by ${scales?.[i]}; an Upsample never shrinks`);
    const roi = [region?.[i] ?? 0, region?.[i + axes.length] ?? 1] as const;
    if (scales !== undefined) {
      const scale = scales[i];
      const span =
        node.text("coordinate_transformation_mode", "") === "tf_crop_and_resize"
          ? roi[1] - roi[0]
          : 1;
      return { axis, how: { from, to: Math.floor(from * span * scale), scale, roi } };
    }
    if (wanted === undefined) throw node.error("states neither sizes nor scales");
    const to = policy === "stretch" ? wanted[i] : Math.round(common * from);
    return { axis, how: { from, to, scale: policy === "stretch" ? to / from : common, roi } };
  });
}

function resize(node: ImportNode): Value {
  const old = node.type === "Upsample" || node.opset < 11;
  const mode = node.text("mode", "nearest");
  const name = node.text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  const at = own(coordinates, name);
  if (at === undefined) throw node.error(`has coordinates ${name}, which are unknown`);
  if (!modes.includes(mode)) throw node.error(`resizes in mode ${mode}, which is unknown`);
  return sizes(node).reduce((x, { axis, how }) => {
    if (how.to === how.from && how.scale === 1 && name !== "tf_crop_and_resize") return x;
    checkSize(node, mode === "nearest" ? [how.to] : [how.from, how.to]);
    return mode === "nearest"
      ? nearestAlong(node, x, axis, how, at, old)
      : filteredAlong(node, x, axis, how, at);
  }, node.input(0));
}

function nearestAlong(
  node: ImportNode,
  x: Value,
  axis: number,
  how: Resized,
  at: (i: number, how: Resized) => number,
  old: boolean,
): Value {
  // Of opset 10 is no rounding stated; ONNX's own tests round up where an axis shrinks.
  const fallback = old ? (how.scale < 1 ? "ceil" : "floor") : "round_prefer_floor";
  const round = own(nearest, node.text("nearest_mode", fallback));
  if (round === undefined) throw node.error("rounds in a mode that is unknown");
  const indices = Array.from({ length: how.to }, (_, i) => clamp(round(at(i, how)), how.from));
  const factor = how.to / how.from;
  // Whole repetitions need no index, and their gradient is a sum.
  if (Number.isInteger(factor) && indices.every((from, i) => from === Math.floor(i / factor))) {
    const split = x.shape.toSpliced(axis + 1, 0, 1);
    return g.reshape(
      g.expand(g.reshape(x, split), split.with(axis + 1, factor)),
      x.shape.with(axis, how.to),
    );
  }
  return g.gather(x, int64(indices), axis);
}

function filteredAlong(
  node: ImportNode,
  x: Value,
  axis: number,
  how: Resized,
  at: (i: number, how: Resized) => number,
): Value {
  const a = node.float("cubic_coeff_a", -0.75);
  const filter: Filter =
    node.text("mode", "") === "cubic"
      ? { weight: (t) => cubic(t, a), radius: 2 }
      : { weight: (t) => Math.max(0, 1 - Math.abs(t)), radius: 1 };
  const antialias = node.int("antialias", 0) === 1;
  const exclude = node.int("exclude_outside", 0) === 1;
  const crop = node.text("coordinate_transformation_mode", "") === "tf_crop_and_resize";
  const outside = Array.from({ length: how.to }, (_, i) => {
    const place = at(i, how);
    return crop && (place < 0 || place > how.from - 1);
  });
  const matrix = new Float32Array(how.from * how.to);
  for (let i = 0; i < how.to; i++)
    if (!outside[i])
      row(at(i, how), how, filter, antialias, exclude).forEach((w, j) => {
        matrix[j * how.to + i] = w;
      });
  const y = alongAxis(
    x,
    axis,
    g.constant({ dtype: "float32", shape: [how.from, how.to], data: matrix }),
  );
  const extrapolated = node.float("extrapolation_value", 0);
  if (extrapolated === 0 || !outside.includes(true)) return y;
  const fill = Float32Array.from(outside, (is) => (is ? extrapolated : 0));
  const shape = y.shape.map((n, i) => (i === axis ? n : 1));
  return g.add(y, g.cast(g.constant({ dtype: "float32", shape, data: fill }), y.dtype));
}

export const resizing: Importers = { Resize: resize, Upsample: resize };
