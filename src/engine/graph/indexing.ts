// Builds the operators that read and write elements by index. Indices are int64.

import type { Shape } from "../../math/tensor.ts";
import { node } from "./ops.ts";
import type { Value } from "./value.ts";

const text = (shape: Shape) => `[${shape.join(", ")}]`;

function checkIndices({ dtype }: Value): void {
  if (dtype !== "int64") throw new Error(`indices are ${dtype}; cast them to int64 first`);
}

/** The slices of x along `axis` at non-negative `indices`, whose axes replace `axis`. */
export function gather(x: Value, indices: Value, axis: number): Value {
  checkIndices(indices);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return node("Gather", [x, indices], { axis }, x.dtype, shape);
}

function checkElements(shape: Shape, indices: Shape, axis: number): void {
  if (shape.length !== indices.length || shape.some((n, i) => i !== axis && indices[i] > n))
    throw new Error(`indices ${text(indices)} do not fit ${text(shape)} along axis ${axis}`);
}

/** y of the shape of `indices` with y[i, j] = x[i, indices[i, j]], here for `axis` 1 of two. */
export function gatherElements(x: Value, indices: Value, axis: number): Value {
  checkIndices(indices);
  checkElements(x.shape, indices.shape, axis);
  return node("GatherElements", [x, indices], { axis }, x.dtype, indices.shape);
}

/** Zeros of `shape`, each update added at its index along `axis`: the adjoint of `gatherElements`. */
export function scatterAdd(updates: Value, indices: Value, axis: number, shape: Shape): Value {
  checkIndices(indices);
  checkElements(shape, indices.shape, axis);
  if (text(updates.shape) !== text(indices.shape))
    throw new Error(`updates ${text(updates.shape)} do not fit indices ${text(indices.shape)}`);
  return node("ScatterAdd", [updates, indices], { axis, shape }, updates.dtype, shape);
}

/** Index of the largest element along `axis`, the first on a tie; int64. The axis stays, with length 1. */
export const argMax = (x: Value, axis: number): Value =>
  node("ArgMax", [x], { axis }, "int64", x.shape.with(axis, 1));

/** Indices of the k largest elements along `axis` in descending order, or of the k smallest in ascending order; int64. */
export function topKIndices(x: Value, k: number, axis: number, largest = true): Value {
  if (k > x.shape[axis])
    throw new Error(`there are no ${k} elements along axis ${axis} of ${text(x.shape)}`);
  return node("TopKIndices", [x], { axis, k, largest }, "int64", x.shape.with(axis, k));
}

/** The k largest elements along `axis` in descending order, or the k smallest in ascending order. */
export const topK = (x: Value, k: number, axis: number, largest = true): Value =>
  gatherElements(x, topKIndices(x, k, axis, largest), axis);
