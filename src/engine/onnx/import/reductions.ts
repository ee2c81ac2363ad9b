// Reductions over axes: https://onnx.ai/onnx/operators (ReduceSum, ReduceLogSumExp, ArgMax, TopK, …)
//
// The axes are an input since opset 13 (ReduceSum) or 18 (the others), and an attribute before. ArgMax and ArgMin:
// `select_last_index` since opset 12. TopK: `k` is an attribute before opset 10, `largest` exists since opset 11.

import { elementCount } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import { reduced } from "../../graph/shapes.ts";
import type { Value } from "../../graph/value.ts";
import { axisOf, type Importer, type Importers, type ImportNode } from "./import-node.ts";
import { rootOfSquares } from "./root-of-squares.ts";

interface Reduction {
  readonly axes: readonly number[];
  readonly keepdims: boolean;
}

/** A reduction, and its result for an empty input. */
type Reduce = readonly [f: (x: Value, reduction: Reduction) => Value, ofNothing: number];

/** The axes that a node reduces; null if it does not reduce any axis. */
function reductionOf(node: ImportNode, rank: number): Reduction | null {
  const stated = node.ints("axes") ?? node.constantNumbers(1) ?? [];
  if (stated.length === 0 && node.int("noop_with_empty_axes", 0) === 1) return null;
  const axes = stated.length === 0 ? Array.from({ length: rank }, (_, i) => i) : stated;
  return {
    axes: axes.map((axis) => axisOf(node, axis, rank)),
    keepdims: node.int("keepdims", 1) === 1,
  };
}

/** An importer that applies `before` to x and then reduces. */
const reduce =
  ([f, ofNothing]: Reduce, before: (x: Value) => Value = (x) => x): Importer =>
  (node) => {
    const x = node.input(0);
    const reduction = reductionOf(node, x.shape.length);
    if (reduction === null) return before(x);
    if (elementCount(x.shape) === 0) {
      const axes = reduction.axes.toSorted((a, b) => a - b);
      return g.expand(g.scalarLike(x, ofNothing), reduced(x.shape, axes, reduction.keepdims));
    }
    const numeric = x.dtype === "bool" ? g.cast(x, "int32") : x;
    return g.cast(f(before(numeric), reduction), x.dtype);
  };

const sum = (x: Value, { axes, keepdims }: Reduction) => g.sum(x, axes, keepdims);
const max = (x: Value, { axes, keepdims }: Reduction) => g.max(x, axes, keepdims);
const squares = (x: Value) => g.mul(x, x);

/** The mean; of integers, the quotient of the sum, which is an integer too. */
function mean(x: Value, { axes, keepdims }: Reduction): Value {
  if (x.dtype.startsWith("float")) return g.mean(x, axes, keepdims);
  const total = g.sum(x, axes, keepdims);
  return g.div(total, g.scalarLike(total, elementCount(x.shape) / elementCount(total.shape)));
}

/** The product by repeated halving, whose gradient needs no division by x. */
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

/** log Σ eˣ. The shift by max x avoids overflow, and is clipped to finite numbers since ∞ − ∞ is NaN. */
function logSumExp(x: Value, { axes, keepdims }: Reduction): Value {
  const shift = g.stopGradient(g.clip(g.max(x, axes, true), -3e38, 3e38));
  const y = g.add(g.log(g.sum(g.exp(g.sub(x, shift)), axes, true)), shift);
  return keepdims ? y : g.reshape(y, reduced(x.shape, axes, false));
}

/**
 * The index of the largest (or smallest) element along an axis. On a tie it is the first index, or the
 * last if `select_last_index` is set.
 */
const extremeIndex =
  (kind: "max" | "min"): Importer =>
  (node) => {
    const x = node.input(0);
    const axis = axisOf(node, node.int("axis", 0), x.shape.length);
    const signed = kind === "max" ? x : g.neg(x);
    const selectsLast = node.int("select_last_index", 0) === 1;
    const first = g.argMax(selectsLast ? g.flip(signed, axis) : signed, axis);
    const index = selectsLast ? g.sub(g.scalarLike(first, x.shape[axis] - 1), first) : first;
    return node.int("keepdims", 1) === 1
      ? index
      : g.reshape(index, reduced(x.shape, [axis], false));
  };

/** (x, k) ↦ (the k largest or smallest elements along an axis, their indices). */
const topK: Importer = (node) => {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", -1), x.shape.length);
  const k = node.opset < 10 ? node.int("k", 1) : (node.constantNumbers(1) ?? [1])[0];
  const indices = g.topKIndices(x, k, axis, node.int("largest", 1) === 1);
  return [g.gatherElements(x, indices, axis), indices];
};

/** Importers of reductions, ArgMax, ArgMin and TopK. */
export const reductions: Importers = {
  ReduceSum: reduce([sum, 0]),
  ReduceMean: reduce([mean, Number.NaN]),
  ReduceMax: reduce([max, Number.NEGATIVE_INFINITY]),
  ReduceMin: reduce([(x, reduction) => g.neg(max(g.neg(x), reduction)), Number.POSITIVE_INFINITY]),
  ReduceProd: reduce([product, 1]),
  ReduceSumSquare: reduce([sum, 0], squares),
  ReduceL1: reduce([sum, 0], g.abs),
  ReduceL2: reduce([(x, reduction) => rootOfSquares(sum(x, reduction)), 0], squares),
  ReduceLogSum: reduce([(x, reduction) => g.log(sum(x, reduction)), Number.NEGATIVE_INFINITY]),
  ReduceLogSumExp: reduce([logSumExp, Number.NEGATIVE_INFINITY]),
  ArgMax: extremeIndex("max"),
  ArgMin: extremeIndex("min"),
  TopK: topK,
};
