// Rewrites a network into linear operators and functions of one number, the operators that relaxations exist for.

import type { NdArray } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { realNumbersOf } from "../graph/ops.ts";
import { nameOrigin, originOf } from "../graph/origins.ts";
import { is, topological, type Value } from "../graph/value.ts";

/** max(a, b) = b + relu(a − b), so that one relaxation serves both. */
const maximum = (a: Value, b: Value): Value => g.add(b, g.relu(g.sub(a, b)));
const minimum = (a: Value, b: Value): Value => g.sub(a, g.relu(g.sub(a, b)));

/** min(max(x, low), high) = low + relu(x − low) − relu(x − high). */
function clipped(x: Value, low: number, high: number): Value {
  if (low > high) return g.expand(g.scalarLike(x, high), x.shape);
  const above = (limit: number) => g.relu(g.sub(x, g.scalarLike(x, limit)));
  if (low === Number.NEGATIVE_INFINITY)
    return high === Number.POSITIVE_INFINITY ? x : g.sub(x, above(high));
  const risen = g.add(g.scalarLike(x, low), above(low));
  return high === Number.POSITIVE_INFINITY ? risen : g.sub(risen, above(high));
}

const indices = (values: readonly number[]): Value => {
  const array: NdArray = {
    dtype: "int64",
    shape: [values.length],
    data: BigInt64Array.from(values, BigInt),
  };
  return g.constant(array);
};

/** The maximum over `count` shifted copies of x along an axis, `at(i)` being the indices that copy i reads. */
function overShifts(
  x: Value,
  axis: number,
  count: number,
  at: (i: number) => readonly number[],
): Value {
  let best = g.gather(x, indices(at(0)), axis);
  for (let i = 1; i < count; i++) best = maximum(g.gather(x, indices(at(i)), axis), best);
  return best;
}

/** The maximum of each window, first over its rows, then over its columns. An index in the padding repeats a neighbour. */
function maxPooled({ inputs: [x], attrs, shape }: Value<"MaxPool">): Value {
  const { kernel, strides, pads, dilations } = attrs;
  let y = x;
  for (const side of [0, 1]) {
    const length = x.shape[side + 2];
    const reads = (i: number) =>
      Array.from({ length: shape[side + 2] }, (_, out) => {
        const start = out * strides[side] - pads[side];
        return insideWindow(start, i, kernel[side], dilations[side], length);
      });
    y = overShifts(y, side + 2, kernel[side], reads);
  }
  return y;
}

/** The index that tap i of a window reads; for a tap in the padding, that of the nearest tap inside the image. */
function insideWindow(
  start: number,
  i: number,
  taps: number,
  step: number,
  length: number,
): number {
  const inside = Array.from({ length: taps }, (_, tap) => tap).filter(
    (tap) => start + tap * step >= 0 && start + tap * step < length,
  );
  if (inside.length === 0) throw new RangeError("a pooling window covers only padding");
  const nearest = inside.reduce((best, tap) =>
    Math.abs(tap - i) < Math.abs(best - i) ? tap : best,
  );
  return start + nearest * step;
}

/** The maximum over axes, by halves. */
function reducedMaximum({ inputs: [x], attrs, shape }: Value<"ReduceMax">): Value {
  let y = x;
  for (const axis of attrs.axes)
    while (y.shape[axis] > 1) {
      const half = Math.ceil(y.shape[axis] / 2);
      const last = y.shape[axis] - half;
      y = maximum(g.sliceAxis(y, axis, 0, half), g.sliceAxis(y, axis, last, last + half));
    }
  return g.reshape(y, shape);
}

/** A square or a square root; other powers stay. */
function raised(node: Value<"Pow">): Value {
  const [x, exponent] = node.inputs;
  const array = is(exponent, "Constant") ? exponent.attrs.array : undefined;
  const isExact = array !== undefined && realNumbersOf(array) === undefined;
  const value = isExact ? Array.from(array.data, Number) : [];
  const y = g.expand(x, node.shape);
  if (value.length > 0 && value.every((n) => n === 2)) return g.mul(y, y);
  return value.length > 0 && value.every((n) => n === 0.5) ? g.sqrt(y) : node;
}

/** A product of two matrices [.., m, k] and [.., k, n] as products of numbers [.., m, k, n] and their sums over k. */
function multiplied({ inputs: [a, b], shape }: Value<"MatMul">): Value {
  const [m, n] = shape.slice(-2);
  const k = a.shape[a.shape.length - 1];
  const full = [...shape.slice(0, -2), m, k, n];
  const left = g.reshape(a, [...a.shape, 1]);
  const right = g.reshape(b, b.shape.toSpliced(-2, 0, 1));
  return g.sum(g.mul(g.expand(left, full), g.expand(right, full)), [full.length - 2]);
}

/** exp(xᵢ − log Σⱼ exp xⱼ) along an axis. */
function normalized({ inputs: [x], attrs: { axis } }: Value<"Softmax">): Value {
  return g.exp(g.sub(x, g.log(g.sum(g.exp(x), [axis], true))));
}

/** x of a node that replaces the Softmax of x. */
export const softmaxInput = (node: Value): Value => node.inputs[0].inputs[0];

/** An equal expression without Max, Min, Clip, Abs, MaxPool, ReduceMax, Softmax and products of two matrices. */
function rewritten(node: Value, isConstant: (input: Value) => boolean): Value {
  const [a, b] = node.inputs;
  // The factors of a product of two values get its shape, so that every relaxation is element by element.
  if (is(node, "Mul") && !isConstant(a) && !isConstant(b))
    return g.mul(g.expand(a, node.shape), g.expand(b, node.shape));
  if (is(node, "Div") && isConstant(b) && node.dtype.startsWith("float"))
    return g.mul(a, g.div(g.scalarLike(b, 1), b));
  if (is(node, "Pow") && isConstant(b)) return raised(node);
  if (is(node, "Max")) return maximum(a, b);
  if (is(node, "Min")) return minimum(a, b);
  if (is(node, "Clip")) return clipped(a, node.attrs.low, node.attrs.high);
  // |x| = 2·relu(x) − x.
  if (is(node, "Abs")) return g.sub(g.mul(g.relu(a), g.scalarLike(a, 2)), a);
  if (is(node, "MaxPool")) return maxPooled(node);
  if (is(node, "ReduceMax")) return reducedMaximum(node);
  if (is(node, "Softmax")) return normalized(node);
  if (is(node, "MatMul") && !isConstant(a) && !isConstant(b)) return multiplied(node);
  if (is(node, "StopGradient") || is(node, "StraightThrough")) return a;
  // Of integers, only the input itself and its moved elements have bounds.
  if (is(node, "Cast") && node.dtype.startsWith("float") && a.dtype !== "bool")
    return retyped(a, node);
  return node;
}

/** x as a value of a float type: a conversion from integers, or between floats, does not change a real number. */
const retyped = (x: Value, like: Value): Value =>
  x.dtype === like.dtype ? x : g.node("StopGradient", [x], {}, like.dtype, x.shape);

/** Whether a value depends on no input. */
export function constantsOf(outputs: readonly Value[]): Set<Value> {
  const constants = new Set<Value>();
  for (const node of topological<Value>(outputs))
    if (node.op !== "Input" && node.inputs.every((input) => constants.has(input)))
      constants.add(node);
  return constants;
}

/** A network in operators that bounds are propagated through, and where its nodes come from. */
export interface CanonicalNetwork {
  readonly output: Value;
  /** For a node with the value of nodes of the given network: those nodes. Other nodes are steps in between. */
  readonly sources: ReadonlyMap<Value, readonly Value[]>;
}

/**
 * An equal network, in real arithmetic, of operators that bounds are propagated through. Parts that depend on no input
 * stay as they are. New nodes keep the origin of those that they replace.
 */
export function canonical(output: Value): CanonicalNetwork {
  const constants = constantsOf([output]);
  const replaced = new Map<Value, Value>();
  const sources = new Map<Value, Value[]>();
  for (const node of topological<Value>([output])) {
    if (constants.has(node)) {
      replaced.set(node, node);
      continue;
    }
    const inputs = node.inputs.map((input) => replaced.get(input) as Value);
    const same = inputs.every((input, i) => input === node.inputs[i]);
    const current = same ? node : g.node(node.op, inputs, node.attrs, node.dtype, node.shape);
    const result = rewritten(current, (input) => constants.has(input));
    const origin = originOf(node);
    if (origin !== undefined) nameOrigin([result], inputs, origin);
    replaced.set(node, result);
    const sharing = sources.get(result);
    if (sharing === undefined) sources.set(result, [node]);
    else sharing.push(node);
  }
  return { output: replaced.get(output) as Value, sources };
}
