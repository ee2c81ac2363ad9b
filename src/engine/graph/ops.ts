// Builds expressions. Each function checks its inputs and infers the shape of its result. A function throws an `Error` if
// shapes or dtypes do not fit.

import { type DType, elementCount, type NdArray, type Shape } from "../../math/tensor.ts";
import { flat } from "./interpret-arrays.ts";
import { broadcast, matmulShape, reduced, sliceShape } from "./shapes.ts";
import type { Attributes, Op, SliceAttributes, Value } from "./value.ts";

const text = (shape: Shape) => `[${shape.join(", ")}]`;

/** A node of any operator, unchecked. Prefer the functions below. */
export const node = <O extends Op>(
  op: O,
  inputs: readonly Value[],
  attrs: Attributes[O],
  dtype: DType,
  shape: Shape,
): Value => ({ op, inputs, attrs, dtype, shape }) as Value;

/** A value that is fed in every run. */
export const input = (name: string, shape: Shape, dtype: DType = "float32"): Value =>
  node("Input", [], { name }, dtype, shape);

/** A value that is fixed when the graph is built. */
export const constant = (array: NdArray): Value =>
  node("Constant", [], { array }, array.dtype, array.shape);

/** The real numbers that a computed constant stands for: each lies within its error of its double. An error of 0 is exact. */
export interface RealNumbers {
  readonly values: Float64Array;
  readonly errors: Float64Array;
}

const reals = new WeakMap<NdArray, RealNumbers>();

/**
 * The real numbers that an array was rounded from, such as 1/49, or that doubles are too coarse for; undefined if the array
 * is exact. Proofs are about the real numbers.
 */
export const realNumbersOf = (array: NdArray): RealNumbers | undefined => reals.get(array);

/** A bound of the relative error of a double that two operations computed from float32 numbers. */
export const TWO_ROUNDINGS = 2 ** -51;

/** What `value` may be off by after two roundings. A quotient or root of whole numbers that float32 holds is exact. */
const errorOf = (value: number): number =>
  Math.fround(value) === value ? 0 : Math.abs(value) * TWO_ROUNDINGS;

/**
 * A float constant that was computed in doubles. Evaluations round it to `dtype`, and proofs hold for all numbers within
 * `errors` of `values`. By default, the errors are those of two roundings, and 0 for numbers that float32 holds.
 */
export function computed(
  shape: Shape,
  values: Float64Array,
  { errors = values.map(errorOf), dtype = "float32" }: ComputedOptions = {},
): Value {
  const array = flat(dtype, shape, (i) => values[i]);
  const isExact = values.every((v, i) => errors[i] === 0 && Number(array.data[i]) === v);
  if (!isExact && dtype.startsWith("float")) reals.set(array, { values, errors });
  return constant(array);
}

interface ComputedOptions {
  /** Absolute, one per value. */
  readonly errors?: Float64Array;
  readonly dtype?: DType;
}

/** A constant of shape []. Proofs are about the number before it is rounded to float32. */
export const scalar = (value: number, dtype: DType = "float32"): Value =>
  computed([], Float64Array.of(value), { dtype });

/** A constant of shape [] with the dtype of `x`. */
export const scalarLike = (x: Value, value: number): Value => scalar(value, x.dtype);

/**
 * A scalar from a formula, such as 1/6, that some implementations round to float32 and others do not. Proofs hold for
 * both.
 */
export const roundedOrNot = (x: Value, value: number): Value =>
  computed([], Float64Array.of(value), {
    errors: Float64Array.of(Math.abs(value - Math.fround(value)) * 2),
    dtype: x.dtype,
  });

/** The common dtype of the values. Throws if they differ; `op` names the operator in the message. */
export function sameType(op: string, ...values: readonly Value[]): DType {
  const [first, ...others] = values;
  for (const other of others)
    if (other.dtype !== first.dtype)
      throw new Error(`${op} of ${first.dtype} with ${other.dtype}; cast one of them first`);
  return first.dtype;
}

const binary =
  (op: "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Max" | "Min") => (a: Value, b: Value) =>
    node(op, [a, b], {}, sameType(op, a, b), broadcast(a.shape, b.shape));

const unary =
  (
    op:
      | ("Neg" | "Exp" | "Log" | "Sqrt" | "Tanh" | "Sigmoid" | "Relu" | "StopGradient")
      | ("Abs" | "Sign" | "Floor" | "Ceil" | "Round" | "Erf" | "Sin" | "Cos" | "Atan"),
  ) =>
  (x: Value) =>
    node(op, [x], {}, x.dtype, x.shape);

export const add = binary("Add");
export const sub = binary("Sub");
export const mul = binary("Mul");
export const div = binary("Div");
export const neg = unary("Neg");
export const exp = unary("Exp");
export const log = unary("Log");
export const sqrt = unary("Sqrt");
export const tanh = unary("Tanh");
export const sigmoid = unary("Sigmoid");
export const relu = unary("Relu");
export const abs = unary("Abs");
export const sign = unary("Sign");
export const floor = unary("Floor");
export const ceil = unary("Ceil");
/** Rounds to the nearest integer, ties to even. */
export const round = unary("Round");
export const erf = unary("Erf");
export const sin = unary("Sin");
export const cos = unary("Cos");
export const atan = unary("Atan");
/** aᵇ, element by element, broadcast. */
export const pow = binary("Pow");
export const maximum = binary("Max");
export const minimum = binary("Min");
/** The value of x, with gradient 0. */
export const stopGradient = unary("StopGradient");

/** min(max(x, low), high), element by element. */
export const clip = (x: Value, low: number, high: number): Value =>
  node("Clip", [x], { low, high }, x.dtype, x.shape);

const comparison = (op: "Greater" | "Equal") => (a: Value, b: Value) => {
  sameType(op, a, b);
  return node(op, [a, b], {}, "bool", broadcast(a.shape, b.shape));
};

/** a > b, element by element, broadcast; bool. */
export const greater = comparison("Greater");
/** a = b, element by element, broadcast; bool. */
export const equal = comparison("Equal");

const logical = (op: "And" | "Or") => (a: Value, b: Value) => {
  if (a.dtype !== "bool" || b.dtype !== "bool")
    throw new Error(`${op} of ${a.dtype} with ${b.dtype}; both must be bool`);
  return node(op, [a, b], {}, "bool", broadcast(a.shape, b.shape));
};

export const and = logical("And");
export const or = logical("Or");
export const not = (x: Value): Value => node("Not", [x], {}, "bool", x.shape);

/** The value of y, with its gradient passed to x (straight-through estimator). Both have the same shape and dtype. */
export function straightThrough(y: Value, x: Value): Value {
  if (sameType("StraightThrough", y, x) && text(y.shape) !== text(x.shape))
    throw new Error(`a gradient of ${text(y.shape)} cannot pass to ${text(x.shape)}`);
  return node("StraightThrough", [y, x], {}, y.dtype, y.shape);
}

/** condition ? a : b, element by element, broadcast. */
export function where(condition: Value, a: Value, b: Value): Value {
  if (condition.dtype !== "bool")
    throw new Error(`a condition of ${condition.dtype}; cast it to bool first`);
  return node(
    "Where",
    [condition, a, b],
    {},
    sameType("Where", a, b),
    broadcast(condition.shape, a.shape, b.shape),
  );
}

/** x converted to another dtype; to bool: whether x ≠ 0. */
export const cast = (x: Value, to: DType): Value =>
  x.dtype === to ? x : node("Cast", [x], { to }, to, x.shape);

/** Matrix product over the last two axes: […, m, k] and […, k, n] → […, m, n], the leading axes broadcast. */
export const matmul = (a: Value, b: Value): Value =>
  node("MatMul", [a, b], {}, sameType("MatMul", a, b), matmulShape(a.shape, b.shape));

/** Softmax over one axis, the last by default. */
export const softmax = (x: Value, axis = x.shape.length - 1): Value =>
  node("Softmax", [x], { axis }, x.dtype, x.shape);

/** log softmax over one axis, the last by default. */
export const logSoftmax = (x: Value, axis = x.shape.length - 1): Value =>
  node("LogSoftmax", [x], { axis }, x.dtype, x.shape);

const reduce =
  (op: "ReduceSum" | "ReduceMax") =>
  (x: Value, axes: readonly number[] = x.shape.map((_, axis) => axis), keepdims = false): Value => {
    const ascending = axes.map((a) => (a < 0 ? a + x.shape.length : a)).sort((a, b) => a - b);
    if (ascending.length === 0) return x;
    const shape = reduced(x.shape, ascending, keepdims);
    return node(op, [x], { axes: ascending, keepdims }, x.dtype, shape);
  };

/** Sum over `axes`, by default all. Negative axes count from the end; reduced axes are dropped unless `keepdims`. */
export const sum = reduce("ReduceSum");
/** Maximum over `axes`, as `sum`. */
export const max = reduce("ReduceMax");

/** Mean over `axes`, as `sum`. */
export function mean(
  x: Value,
  axes: readonly number[] = x.shape.map((_, axis) => axis),
  keepdims = false,
): Value {
  const total = sum(x, axes, keepdims);
  return mul(total, scalarLike(x, elementCount(total.shape) / elementCount(x.shape)));
}

/** The same elements in row-major order as an array of `shape`. */
export function reshape(x: Value, shape: Shape): Value {
  if (elementCount(shape) !== elementCount(x.shape))
    throw new Error(`cannot reshape ${text(x.shape)} to ${text(shape)}`);
  return text(shape) === text(x.shape) ? x : node("Reshape", [x], { shape }, x.dtype, shape);
}

/** Reorders axes: axis i of the result is axis perm[i] of x. */
export function transpose(x: Value, perm: readonly number[]): Value {
  if (perm.length !== x.shape.length || new Set(perm).size !== perm.length)
    throw new Error(`[${perm.join(", ")}] is not an order of the axes of ${text(x.shape)}`);
  const shape = perm.map((axis) => x.shape[axis]);
  return node("Transpose", [x], { perm }, x.dtype, shape);
}

/** x broadcast to `shape`. */
export function expand(x: Value, shape: Shape): Value {
  if (text(broadcast(x.shape, shape)) !== text(shape))
    throw new Error(`cannot expand ${text(x.shape)} to ${text(shape)}`);
  return text(x.shape) === text(shape) ? x : node("Expand", [x], { shape }, x.dtype, shape);
}

/** Part of x, with start, stop and step for every axis (see `SliceAttributes`). */
export function slice(x: Value, attrs: SliceAttributes): Value {
  const { starts, stops, steps } = attrs;
  if (!x.shape.every((n, i) => within(n, starts[i], stops[i], steps[i])))
    throw new Error(
      `cannot cut ${text(starts)} to ${text(stops)} by steps ${text(steps)} out of ${text(x.shape)}`,
    );
  return node("Slice", [x], attrs, x.dtype, sliceShape(x.shape, attrs));
}

/** Whether both ends of a slice lie on an axis of length n. */
const within = (n: number, start: number, stop: number, step: number): boolean =>
  start >= 0 && start <= n && stop >= -1 && stop <= n && Number.isInteger(step) && step !== 0;

/** Indices `start` to `stop` (exclusive) of one axis. */
export const sliceAxis = (x: Value, axis: number, start: number, stop: number, step = 1): Value =>
  slice(x, {
    starts: x.shape.map((_, i) => (i === axis ? start : 0)),
    stops: x.shape.map((n, i) => (i === axis ? stop : n)),
    steps: x.shape.map((_, i) => (i === axis ? step : 1)),
  });

/** x with one axis reversed. */
export const flip = (x: Value, axis: number): Value =>
  sliceAxis(x, axis, x.shape[axis] - 1, -1, -1);

/** Joins values along one axis; their other axes must be equal. */
export function concat(parts: readonly Value[], axis: number): Value {
  const [first] = parts;
  for (const { shape } of parts)
    if (
      shape.length !== first.shape.length ||
      shape.some((n, i) => i !== axis && n !== first.shape[i])
    )
      throw new Error(`cannot join ${text(first.shape)} and ${text(shape)} along axis ${axis}`);
  const length = parts.reduce((total, { shape }) => total + shape[axis], 0);
  const shape = first.shape.map((n, i) => (i === axis ? length : n));
  return parts.length === 1
    ? first
    : node("Concat", parts, { axis }, sameType("Concat", ...parts), shape);
}

/** x with zeros before and after, counted per axis. */
export function pad(x: Value, before: readonly number[], after: readonly number[]): Value {
  if ([...before, ...after].every((n) => n === 0)) return x;
  if (![...before, ...after].every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new Error(`cannot pad by ${text(before)} and ${text(after)}`);
  const shape = x.shape.map((n, i) => before[i] + n + after[i]);
  return node("Pad", [x], { before, after }, x.dtype, shape);
}
