// Pooling over one to three spatial axes. Maxima and means are separable, so depth is pooled
// separately from the plane.
// https://onnx.ai/onnx/operators (MaxPool, AveragePool, LpPool, GlobalMaxPool, GlobalAveragePool,
// GlobalLpPool)
//
// MaxPool: indices since opset 8, `ceil_mode` and dilations since opset 10. AveragePool:
// `count_include_pad` since opset 7, `ceil_mode` since opset 10, dilations since opset 19.

import { elementCount, type Shape } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { asImage, asLine, type Geometry, geometryOf, onOneRow, withoutDepth } from "./geometry.ts";
import type { Importers, ImportNode } from "./import-node.ts";
import { rootOfSquares } from "./root-of-squares.ts";

/**
 * The geometry with pads for `ceil_mode`: the last window must start in the image or in the pad before
 * it, and may exceed the end.
 */
function withCeil(node: ImportNode, input: Shape, geometry: Geometry): Geometry {
  if (node.int("ceil_mode", 0) === 0) return geometry;
  const { kernel, strides, dilations, pads } = geometry;
  const rank = kernel.length;
  const ends = input.map((length, i) => {
    const extent = (kernel[i] - 1) * dilations[i] + 1;
    const whole = Math.ceil((length + pads[i] + pads[i + rank] - extent) / strides[i]) + 1;
    const count = (whole - 1) * strides[i] >= length + pads[i] ? whole - 1 : whole;
    return Math.max((count - 1) * strides[i] + extent - length - pads[i], pads[i + rank]);
  });
  return { ...geometry, pads: [...pads.slice(0, rank), ...ends] };
}

/** A pool over the plane, of x [batch, channel, height, width]. */
type Pool = (x: Value, attrs: Geometry) => Value;

/** Applies a pool to x with one to three spatial axes. */
function pooled(node: ImportNode, x: Value, geometry: Geometry, pool: Pool): Value {
  const rank = x.shape.length - 2;
  if (rank === 2) return pool(x, geometry);
  if (rank === 1) return asLine(pool(asImage(x), onOneRow(geometry)));
  if (rank !== 3) throw node.unsupported(`${rank} spatial axes are not supported, only up to 3`);
  const [batch, channels, depth, height, width] = x.shape;
  const planes = pool(
    g.reshape(x, [batch, channels * depth, height, width]),
    withoutDepth(geometry),
  );
  const [, , rows, columns] = planes.shape;
  const { kernel, strides, dilations, pads } = geometry;
  const along = pool(g.reshape(planes, [batch, channels, depth, rows * columns]), {
    kernel: [kernel[0], 1],
    strides: [strides[0], 1],
    dilations: [dilations[0], 1],
    pads: [pads[0], 0, pads[3], 0],
  });
  return g.reshape(along, [batch, channels, along.shape[2], rows, columns]);
}

const kernelOf = (node: ImportNode, x: Value): readonly number[] =>
  node.ints(
    "kernel_shape",
    x.shape.slice(2).map(() => 1),
  ) ?? [];

function maxPool(node: ImportNode): Value[] {
  const x = node.input(0);
  const input = x.shape.slice(2);
  const geometry = withCeil(node, input, geometryOf(node, input, kernelOf(node, x)));
  // Runtimes cannot pool 32-bit integers, which float64 holds exactly.
  const real = x.dtype.startsWith("float") ? x : g.cast(x, "float64");
  const y = g.cast(pooled(node, real, geometry, g.maxPool), x.dtype);
  if (node.outputs < 2) return [y];
  const indices =
    input.length === 3
      ? indicesOverDepth(real, geometry)
      : pooled(node, real, geometry, g.maxPoolIndices);
  if (node.int("storage_order", 0) === 0 || input.length === 1) return [y, indices];
  if (input.length !== 2)
    throw node.unsupported(
      `column-major indices (storage_order 1) over ${input.length} spatial axes are not supported, only over 2`,
    );
  return [y, byColumns(indices, input)];
}

/**
 * Indices of a max pool over three axes: the indices within the planes, selected by the indices
 * along the depth.
 */
function indicesOverDepth(x: Value, geometry: Geometry): Value {
  const [batch, channels, depth, height, width] = x.shape;
  const flat = g.reshape(x, [batch, channels * depth, height, width]);
  const planes = withoutDepth(geometry);
  const [y, within] = [g.maxPool(flat, planes), g.maxPoolIndices(flat, planes)];
  const [, , rows, columns] = y.shape;
  const { kernel, strides, dilations, pads } = geometry;
  const along = g.maxPoolIndices(g.reshape(y, [batch, channels, depth, rows * columns]), {
    kernel: [kernel[0], 1],
    strides: [strides[0], 1],
    dilations: [dilations[0], 1],
    pads: [pads[0], 0, pads[3], 0],
  });
  const [, , layers] = along.shape;
  const picked = g.gather(g.reshape(within, [elementCount(within.shape)]), along, 0);
  return g.reshape(picked, [batch, channels, layers, rows, columns]);
}

/** Converts row-major indices into planes [height, width] to column-major indices (`storage_order` 1). */
function byColumns(indices: Value, [height, width]: Shape): Value {
  const num = (n: number) => g.scalarLike(indices, n);
  const start = g.mul(g.div(indices, num(height * width)), num(height * width));
  const offset = g.sub(indices, start);
  const row = g.div(offset, num(width));
  const column = g.sub(offset, g.mul(row, num(width)));
  return g.add(start, g.add(g.mul(column, num(height)), row));
}

/** Maximum positions that the windows along one axis may read. */
const MAX_POSITIONS = 2 ** 22;

/** The number of positions of each window along spatial axis i that are in [start, stop). */
function windowCounts(
  input: number,
  [start, stop]: readonly [number, number],
  geometry: Geometry,
  i: number,
): number[] {
  const { kernel, strides, dilations, pads } = geometry;
  const rank = kernel.length;
  const extent = (kernel[i] - 1) * dilations[i] + 1;
  const windows = Math.floor((input + pads[i] + pads[i + rank] - extent) / strides[i]) + 1;
  if (windows * kernel[i] > MAX_POSITIONS)
    throw new Error(
      `${windows} windows of ${kernel[i]} pixels exceed the limit of ${MAX_POSITIONS} pixels`,
    );
  return Array.from({ length: windows }, (_, window) => {
    const positions = Array.from(
      { length: kernel[i] },
      (__, k) => window * strides[i] + k * dilations[i] - pads[i],
    );
    return positions.filter((position) => position >= start && position < stop).length;
  });
}

/**
 * The factor [1, 1, ...spatial] that turns a mean over whole windows, with zeros as pads, into a mean
 * over the positions that count; null if the factor is 1 everywhere. `stated` has the pads of the
 * node, `used` has the pads of the pool.
 */
function meanCorrection(
  input: Shape,
  stated: Geometry,
  used: Geometry,
  includePads: boolean,
): { readonly shape: Shape; readonly values: Float64Array } | null {
  const rank = input.length;
  const perAxis = input.map((length, i) => {
    const range = includePads
      ? ([-stated.pads[i], length + stated.pads[i + rank]] as const)
      : ([0, length] as const);
    return windowCounts(length, range, used, i).map((n) => Math.max(n, 1));
  });
  if (perAxis.every((axis, i) => axis.every((n) => n === used.kernel[i]))) return null;
  const shape = [1, 1, ...perAxis.map(({ length }) => length)];
  const counts = perAxis.reduce((all, axis) => all.flatMap((a) => axis.map((b) => a * b)), [1]);
  const size = elementCount(used.kernel);
  return { shape, values: Float64Array.from(counts, (n) => size / n) };
}

function averagePool(node: ImportNode): Value {
  const x = node.input(0);
  const input = x.shape.slice(2);
  const stated = geometryOf(node, input, kernelOf(node, x));
  const used = withCeil(node, input, stated);
  const y = pooled(node, x, used, g.averagePool);
  const factor = meanCorrection(input, stated, used, node.int("count_include_pad", 0) === 1);
  if (factor === null) return y;
  return g.mul(y, g.computed(factor.shape, factor.values, { dtype: y.dtype }));
}

/** |x|^p. */
const absolutePower = (x: Value, p: number): Value =>
  p === 2 ? g.mul(x, x) : g.pow(g.abs(x), g.scalarLike(x, p));

/** x^(1/p) of a sum of p-th powers. */
const root = (x: Value, p: number): Value =>
  p === 2 ? rootOfSquares(x) : g.pow(x, g.scalarLike(x, 1 / p));

/** (Σ |x|^p)^(1/p) over each window. */
function lpPool(node: ImportNode): Value {
  const x = node.input(0);
  const p = node.float("p", 2);
  const input = x.shape.slice(2);
  const geometry = withCeil(node, input, geometryOf(node, input, kernelOf(node, x)));
  const mean = pooled(node, absolutePower(x, p), geometry, g.averagePool);
  return root(g.mul(mean, g.scalarLike(mean, elementCount(geometry.kernel))), p);
}

/** f over all spatial axes. */
const overImage =
  (f: (x: Value, axes: readonly number[]) => Value) =>
  (node: ImportNode): Value => {
    const x = node.input(0);
    return f(x, x.shape.map((_, axis) => axis).slice(2));
  };

/** Importers of pools. */
export const pooling: Importers = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  LpPool: lpPool,
  GlobalMaxPool: overImage((x, axes) => g.max(x, axes, true)),
  GlobalAveragePool: overImage((x, axes) => g.mean(x, axes, true)),
  GlobalLpPool: (node) => {
    const p = node.float("p", 2);
    return overImage((x, axes) => root(g.sum(absolutePower(x, p), axes, true), p))(node);
  },
};
