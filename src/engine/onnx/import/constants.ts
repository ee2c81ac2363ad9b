// Operators that make constants: https://onnx.ai/onnx/operators (Constant, ConstantOfShape, Range,
// OneHot, Trilu, CumSum, …).
//
// Constant: `value_float`, `value_int`, … since opset 12. The others are the same in all versions.
// CumProd is new in opset 26.

import { elementCount, type NdArray, type Shape } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import { flat } from "../../graph/interpret-arrays.ts";
import { is, type Value } from "../../graph/value.ts";
import { dtypeOf } from "../tensors.ts";
import { alongAxis, arange, int64 } from "./arithmetic.ts";
import { axisOf, constantNumber, type Importers, type ImportNode } from "./import-node.ts";

/**
 * Maximum elements of an array that the import computes. A larger array is a mistake, or was made to
 * exhaust the machine.
 */
const MAX_ELEMENTS = 2 ** 24;

/** Maximum elements of an expanded value. Expanding computes nothing at import. */
export const MAX_SPREAD = 2 ** 28;

/** Throws `UsageError` if an array of this shape exceeds both `max` elements and the limit of the user (`--max-constants`). */
export function checkSize(node: ImportNode, shape: Shape, max = MAX_ELEMENTS): void {
  const allowed = Math.max(max, node.maxConstants / 4);
  if (shape.some((n) => !(n >= 0)))
    throw node.invalid(`a tensor of shape [${shape.join(", ")}] is impossible`);
  if (!(elementCount(shape) <= allowed))
    throw node.error(
      `a tensor of shape [${shape.join(", ")}] exceeds the limit of ${allowed} elements; if you trust the file, allow more with --max-constants SIZE`,
    );
}

/** x with permuted axes. An expanded scalar stays an expanded scalar, which costs nothing. */
export function permuted(x: Value, perm: readonly number[]): Value {
  if (is(x, "Expand") && elementCount(x.inputs[0].shape) === 1)
    return g.expand(
      g.reshape(x.inputs[0], []),
      perm.map((axis) => x.shape[axis]),
    );
  return g.transpose(x, perm);
}

function constant(node: ImportNode): Value {
  const array = node.tensor("value");
  if (array !== undefined) return g.constant(array);
  const float = (values: readonly number[], shape: Shape) =>
    g.constant({ dtype: "float32", shape, data: Float32Array.from(values) });
  if (node.has("value_float")) return float([node.float("value_float", 0)], []);
  if (node.has("value_int")) return int64([node.int("value_int", 0)], []);
  const [floats, ints] = [node.floats("value_floats"), node.ints("value_ints")];
  if (node.has("value_floats") && floats !== undefined) return float(floats, [floats.length]);
  if (node.has("value_ints") && ints !== undefined) return int64(ints);
  throw node.unsupported(
    "the value is neither a dense tensor nor numbers, and sparse tensors and strings are not supported",
  );
}

function constantOfShape(node: ImportNode): Value {
  const shape = node.constantNumbers(0) ?? [];
  checkSize(node, shape, MAX_SPREAD);
  const value = node.tensor("value") ?? { dtype: "float32", shape: [1], data: Float32Array.of(0) };
  return g.expand(g.constant({ ...value, shape: [] } as NdArray), shape);
}

function range(node: ImportNode): Value {
  const [start, limit, delta] = [
    constantNumber(node, 0, 0),
    constantNumber(node, 1, 0),
    constantNumber(node, 2, 1),
  ];
  const count = Math.max(Math.ceil((limit - start) / delta), 0);
  checkSize(node, [count]);
  const { dtype } = node.input(0);
  if (!dtype.startsWith("float")) return g.constant(flat(dtype, [count], (i) => start + i * delta));
  const steps = Float64Array.from({ length: count }, (_, i) => i * delta);
  const values = steps.map((step) => start + step);
  const isWhole = Number.isInteger(start) && Number.isInteger(delta);
  const errors = steps.map((step) =>
    isWhole ? 0 : (Math.abs(start) + Math.abs(step)) * g.TWO_ROUNDINGS,
  );
  return g.computed([count], values, { errors, dtype });
}

function oneHot(node: ImportNode): Value {
  const [indices, depth] = [g.cast(node.input(0), "int64"), constantNumber(node, 1, 1)];
  const rank = indices.shape.length;
  const axis = axisOf(node, node.int("axis", -1), rank + 1);
  checkSize(node, [elementCount(indices.shape), depth]);
  const classes = arange(
    depth,
    Array.from({ length: rank + 1 }, (_, i) => (i === axis ? depth : 1)),
  );
  const shape = [...indices.shape.slice(0, axis), 1, ...indices.shape.slice(axis)];
  const size = g.scalarLike(indices, depth);
  const fromFront = g.where(
    g.greater(g.scalarLike(indices, 0), indices),
    g.add(indices, size),
    indices,
  );
  const values = node.input(2);
  const [off, on] = [0, 1].map((i) => g.reshape(g.sliceAxis(values, 0, i, i + 1), []));
  return g.where(g.equal(g.reshape(fromFront, shape), classes), on, off);
}

/** A constant mask, bool [rows, columns]. */
const mask = (rows: number, columns: number, keeps: (row: number, column: number) => boolean) =>
  g.constant({
    dtype: "bool",
    shape: [rows, columns],
    data: Uint8Array.from({ length: rows * columns }, (_, i) =>
      keeps(Math.floor(i / columns), i % columns) ? 1 : 0,
    ),
  });

function trilu(node: ImportNode): Value {
  const x = node.input(0);
  const k = constantNumber(node, 1, 0);
  const [rows, columns] = x.shape.slice(-2);
  checkSize(node, [rows, columns]);
  const upper = node.int("upper", 1) === 1;
  const isKept = mask(rows, columns, (i, j) => (upper ? j - i >= k : j - i <= k));
  return g.where(isKept, x, g.scalarLike(x, 0));
}

/** The cumulative sum as a matrix product with a triangle of ones. */
function cumSum(node: ImportNode): Value {
  const x = node.input(0);
  const axis = axisOf(node, constantNumber(node, 1, 0), x.shape.length);
  const n = x.shape[axis];
  checkSize(node, [n, n]);
  const [exclusive, reverse] = [node.int("exclusive", 0) === 1, node.int("reverse", 0) === 1];
  const counts = mask(n, n, (from, to) => {
    const distance = reverse ? from - to : to - from;
    return exclusive ? distance > 0 : distance >= 0;
  });
  return alongAxis(x, axis, counts);
}

/** The cumulative product in ⌈log₂ length⌉ steps (Hillis & Steele 1986). */
function cumProd(node: ImportNode): Value {
  const x = node.input(0);
  const axis = axisOf(node, constantNumber(node, 1, 0), x.shape.length);
  const n = x.shape[axis];
  const [exclusive, reverse] = [node.int("exclusive", 0) === 1, node.int("reverse", 0) === 1];
  const ones = (length: number) => g.expand(g.scalarLike(x, 1), x.shape.with(axis, length));
  const shifted = (y: Value, by: number) =>
    g.concat([ones(by), g.sliceAxis(y, axis, 0, n - by)], axis);
  let y = reverse ? g.flip(x, axis) : x;
  if (exclusive && n > 0) y = shifted(y, 1);
  for (let by = 1; by < n; by *= 2) y = g.mul(y, shifted(y, by));
  return reverse ? g.flip(y, axis) : y;
}

function eyeLike(node: ImportNode): Value {
  const { shape, dtype } = node.input(0);
  const type = node.int("dtype", 0);
  const k = node.int("k", 0);
  checkSize(node, [shape[0], shape[1]]);
  const ones = mask(shape[0], shape[1], (i, j) => j - i === k);
  return g.cast(ones, type === 0 ? dtype : dtypeOf(type, "the result of EyeLike"));
}

/** Indices of the nonzero elements of a constant, [axis, element]. */
function nonZero(node: ImportNode): Value {
  const { shape, data } = node.constant(0) ?? { shape: [], data: [] };
  const offsets: number[] = [];
  for (let i = 0; i < data.length; i++) if (Number(data[i]) !== 0) offsets.push(i);
  const indices = shape.flatMap((n, axis) => {
    const inner = elementCount(shape.slice(axis + 1));
    return offsets.map((i) => Math.floor(i / inner) % n);
  });
  return int64(indices, [shape.length, offsets.length]);
}

/** Importers of operators that make constants, or that require constant inputs. */
export const constants: Importers = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  OneHot: oneHot,
  Trilu: trilu,
  CumSum: cumSum,
  CumProd: cumProd,
  EyeLike: eyeLike,
  NonZero: nonZero,
};
