// Small expressions for several importers.

import type { Shape } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";

/** x·factor, or x itself if the factor is 1. */
export const times = (x: Value, factor: number): Value =>
  factor === 1 ? x : g.mul(x, g.scalarLike(x, factor));

/** Integers as an int64 constant, [n] unless another shape is given. */
export const int64 = (values: readonly number[], shape: Shape = [values.length]): Value =>
  g.constant({ dtype: "int64", shape, data: BigInt64Array.from(values, BigInt) });

/** The indices 0 … n − 1 as an int64 constant, [n] unless another shape is given. */
export const arange = (n: number, shape: Shape = [n]): Value =>
  int64(
    Array.from({ length: n }, (_, i) => i),
    shape,
  );

/** A scalar bool constant. */
export const bool = (value: boolean): Value =>
  g.constant({ dtype: "bool", shape: [], data: Uint8Array.of(value ? 1 : 0) });

/** Stacks values of the same shape along a new axis. */
export const stack = (values: readonly Value[], axis: number): Value =>
  g.concat(
    values.map((v) => g.reshape(v, v.shape.toSpliced(axis, 0, 1))),
    axis,
  );

/** Multiplies x along an axis of length m by a matrix [m, n]; the axis then has length n. */
export function alongAxis(x: Value, axis: number, matrix: Value): Value {
  const last = x.shape.length - 1;
  const weights = g.cast(matrix, x.dtype);
  if (axis === last) return g.matmul(x, weights);
  const swapped = x.shape
    .map((_, i) => i)
    .with(axis, last)
    .with(last, axis);
  return g.transpose(g.matmul(g.transpose(x, swapped), weights), swapped);
}
