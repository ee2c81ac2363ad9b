// Reductions over axes, which are an attribute in old operator sets and an input in new ones.

import { sizeOf } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import { reduced } from "../../graph/shapes.ts";
import type { Value } from "../../graph/value.ts";
import { axisOf, type Importer, type Importers, type ImportNode } from "./import-node.ts";
import { rootOfSquares } from "./root-of-squares.ts";

interface Reduction {
  readonly axes: readonly number[];
  readonly keepdims: boolean;
}

/** A reduction of x, and what it gives for no elements at all. */
type Reduce = readonly [f: (x: Value, how: Reduction) => Value, ofNothing: number];

function reductionOf(node: ImportNode, rank: number): Reduction | null {
  const stated = node.ints("axes") ?? node.constantInts(1) ?? [];
  if (stated.length === 0 && node.int("noop_with_empty_axes", 0) === 1) return null;
  const axes = stated.length === 0 ? Array.from({ length: rank }, (_, i) => i) : stated;
  return {
    axes: axes.map((axis) => axisOf(node, axis, rank)),
    keepdims: node.int("keepdims", 1) === 1,
  };
}

const reduce =
  ([f, ofNothing]: Reduce, before: (x: Value) => Value = (x) => x): Importer =>
  (node) => {
    const x = node.input(0);
    const how = reductionOf(node, x.shape.length);
    if (how === null) return before(x);
    if (sizeOf(x.shape) === 0) {
      const ascending = how.axes.toSorted((a, b) => a - b);
      return g.expand(g.scalarLike(x, ofNothing), reduced(x.shape, ascending, how.keepdims));
    }
    const real = x.dtype === "bool" ? g.cast(x, "int32") : x;
    return g.cast(f(before(real), how), x.dtype);
  };

const sum = (x: Value, { axes, keepdims }: Reduction) => g.sum(x, axes, keepdims);
const max = (x: Value, { axes, keepdims }: Reduction) => g.max(x, axes, keepdims);
const squares = (x: Value) => g.mul(x, x);

/** A product by halves, so that its gradient needs no division. */
function product(x: Value, { axes, keepdims }: Reduction): Value {
  let y = x;
  for (const axis of axes)
    while (y.shape[axis] > 1) {
      const half = y.shape[axis] >> 1;
      const rest = g.sliceAxis(y, axis, 2 * half, y.shape[axis]);
      const pairs = g.mul(g.sliceAxis(y, axis, 0, half), g.sliceAxis(y, axis, half, 2 * half));
      y = rest.shape[axis] === 0 ? pairs : g.concat([pairs, rest], axis);
    }
  return keepdims ? y : g.reshape(y, reduced(x.shape, axes, false));
}

/** log Σ eˣ, shifted by the largest x so that nothing overflows; by a finite number, since ∞ − ∞ would be NaN. */
function logSumExp(x: Value, { axes, keepdims }: Reduction): Value {
  const top = g.stopGradient(g.clip(g.max(x, axes, true), -3e38, 3e38));
  const y = g.add(g.log(g.sum(g.exp(g.sub(x, top)), axes, true)), top);
  return keepdims ? y : g.reshape(y, reduced(x.shape, axes, false));
}

/** The index of the largest element along one axis. */
const extreme =
  (sign: 1 | -1): Importer =>
  (node) => {
    const x = node.input(0);
    const axis = axisOf(node, node.int("axis", 0), x.shape.length);
    const signed = sign === 1 ? x : g.neg(x);
    const last = node.int("select_last_index", 0) === 1;
    const found = g.argMax(last ? g.flip(signed, axis) : signed, axis);
    const index = last ? g.sub(g.scalarLike(found, x.shape[axis] - 1), found) : found;
    return node.int("keepdims", 1) === 1
      ? index
      : g.reshape(index, reduced(x.shape, [axis], false));
  };

/** The k largest elements along one axis, and their indices. */
const topK: Importer = (node) => {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", -1), x.shape.length);
  const k = node.opset < 10 ? node.int("k", 1) : (node.constantInts(1) ?? [1])[0];
  const indices = g.topKIndices(x, k, axis, node.int("largest", 1) === 1);
  return [g.gatherElements(x, indices, axis), indices];
};

export const reductions: Importers = {
  ReduceSum: reduce([sum, 0]),
  ReduceMean: reduce([(x, { axes, keepdims }) => g.mean(x, axes, keepdims), Number.NaN]),
  ReduceMax: reduce([max, Number.NEGATIVE_INFINITY]),
  ReduceMin: reduce([(x, how) => g.neg(max(g.neg(x), how)), Number.POSITIVE_INFINITY]),
  ReduceProd: reduce([product, 1]),
  ReduceSumSquare: reduce([sum, 0], squares),
  ReduceL1: reduce([sum, 0], g.abs),
  ReduceL2: reduce([(x, how) => rootOfSquares(sum(x, how)), 0], squares),
  ReduceLogSum: reduce([(x, how) => g.log(sum(x, how)), Number.NEGATIVE_INFINITY]),
  ReduceLogSumExp: reduce([logSumExp, Number.NEGATIVE_INFINITY]),
  ArgMax: extreme(1),
  ArgMin: extreme(-1),
  TopK: topK,
};
