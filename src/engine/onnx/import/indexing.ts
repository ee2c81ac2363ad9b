// Operators that read and write by index, and Pad: https://onnx.ai/onnx/operators (Gather,
// ScatterND, Pad, Compress, …).
//
// Pad: `paddings` in opset 1, `pads` before opset 11, an input since; `axes` since opset 18, mode
// wrap since 19. Scatter is the name of ScatterElements before opset 11. ScatterElements and
// ScatterND: `reduction` since opset 16.

import { lookUp } from "../../../math/look-up.ts";
import { elementCount, type Shape } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { int64 } from "./arithmetic.ts";
import { checkSize } from "./constants.ts";
import {
  axisOf,
  constantNumber,
  type Importers,
  type ImportNode,
  unknownValue,
} from "./import-node.ts";

/** Indices counted from the front, as int64. Throws `UsageError` for constant indices out of range. */
function fromFront(node: ImportNode, indices: Value, length: number): Value {
  const whole = g.cast(indices, "int64");
  const constant = node.constantOf(whole);
  if (constant !== null) {
    const values = Array.from(
      constant.data as ArrayLike<bigint>,
      (v) => Number(v) + (v < 0 ? length : 0),
    );
    const outside = values.find((v) => !(v >= 0 && v < length));
    if (outside !== undefined)
      throw node.error(`index ${outside} is outside an axis of length ${length}`);
    return int64(values, constant.shape);
  }
  const size = g.scalarLike(whole, length);
  return g.where(g.greater(g.scalarLike(whole, 0), whole), g.add(whole, size), whole);
}

/** x at indices along an axis. Consecutive constant indices become a slice, which is faster. */
function gather(node: ImportNode): Value {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", 0), x.shape.length);
  const indices = fromFront(node, node.input(1), x.shape[axis]);
  const constant = node.constantOf(indices);
  const values = constant === null ? [] : Array.from(constant.data as ArrayLike<bigint>, Number);
  const areConsecutive = values.length > 0 && values.every((v, i) => v === values[0] + i);
  if (!areConsecutive) return g.gather(x, indices, axis);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return g.reshape(g.sliceAxis(x, axis, values[0], values[0] + values.length), shape);
}

function gatherElements(node: ImportNode): Value {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", 0), x.shape.length);
  return g.gatherElements(x, fromFront(node, node.input(1), x.shape[axis]), axis);
}

/**
 * The offsets [...] of index tuples [..., depth] in an array of this shape: Σ index·stride over its
 * first `depth` axes, in units of the remaining axes.
 */
function offsetsOf(node: ImportNode, indices: Value, shape: Shape): Value {
  const last = indices.shape.length - 1;
  const depth = indices.shape[last];
  if (depth > shape.length)
    throw node.invalid(`index tuples of length ${depth} do not fit ${shape.length} axes`);
  const parts = Array.from({ length: depth }, (_, i) => {
    const column = g.reshape(g.sliceAxis(indices, last, i, i + 1), indices.shape.slice(0, -1));
    const stride = elementCount(shape.slice(i + 1, depth));
    const index = fromFront(node, column, shape[i]);
    return g.mul(index, g.scalarLike(index, stride));
  });
  return parts.reduce(g.add);
}

function gatherNd(node: ImportNode): Value {
  const [x, indices] = [node.input(0), g.cast(node.input(1), "int64")];
  const batches = node.int("batch_dims", 0);
  const depth = indices.shape[indices.shape.length - 1];
  const inner = x.shape.slice(batches + depth);
  const batch = elementCount(x.shape.slice(0, batches));
  const cells = elementCount(x.shape.slice(batches, batches + depth));
  const offsets = offsetsOf(node, indices, x.shape.slice(batches, batches + depth));
  const each = elementCount(offsets.shape.slice(batches));
  const starts = int64(
    Array.from({ length: batch }, (_, i) => i * cells),
    [batch, 1],
  );
  const flat = g.reshape(g.add(g.reshape(offsets, [batch, each]), starts), [batch * each]);
  const taken = g.gather(g.reshape(x, [batch * cells, elementCount(inner)]), flat, 0);
  return g.reshape(taken, [...indices.shape.slice(0, -1), ...inner]);
}

/** x with updates written, or added (`reduction`), at indices along an axis. */
function scattered(
  node: ImportNode,
  x: Value,
  updates: Value,
  indices: Value,
  axis: number,
): Value {
  const added = g.scatterAdd(updates, indices, axis, x.shape);
  const reduction = node.string("reduction", "none");
  if (reduction === "add") return g.add(x, added);
  if (reduction !== "none")
    throw node.unsupported(`the reduction ${reduction} is not supported, only none and add`);
  const ones = g.expand(g.scalarLike(x, 1), indices.shape);
  const isWritten = g.greater(g.scatterAdd(ones, indices, axis, x.shape), g.scalarLike(x, 0));
  return g.where(isWritten, added, x);
}

function scatterElements(node: ImportNode): Value {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", 0), x.shape.length);
  return scattered(node, x, node.input(2), fromFront(node, node.input(1), x.shape[axis]), axis);
}

function scatterNd(node: ImportNode): Value {
  const [x, indices, updates] = [node.input(0), g.cast(node.input(1), "int64"), node.input(2)];
  const depth = indices.shape[indices.shape.length - 1];
  const [cells, inner] = [
    elementCount(x.shape.slice(0, depth)),
    elementCount(x.shape.slice(depth)),
  ];
  const offsets = offsetsOf(node, indices, x.shape.slice(0, depth));
  const count = elementCount(offsets.shape);
  const indexOfEach = g.expand(g.reshape(offsets, [count, 1]), [count, inner]);
  const flat = g.reshape(x, [cells, inner]);
  const y = scattered(node, flat, g.reshape(updates, [count, inner]), indexOfEach, 0);
  return g.reshape(y, x.shape);
}

/** The index that a padded axis of length n reads at position i, by mode. */
const sourceIndex: Readonly<Record<string, (i: number, n: number) => number>> = {
  edge: (i, n) => Math.min(Math.max(i, 0), n - 1),
  wrap: (i, n) => ((i % n) + n) % n,
  reflect: (i, n) => {
    if (n === 1) return 0;
    const period = 2 * (n - 1);
    const folded = ((i % period) + period) % period;
    return folded < n ? folded : period - folded;
  },
};

/** The pads before and after each axis. Negative pads crop. */
function padsOf(
  node: ImportNode,
  x: Value,
): { readonly begins: number[]; readonly ends: number[] } {
  const rank = x.shape.length;
  const stated = node.ints("pads") ?? node.ints("paddings") ?? node.constantNumbers(1) ?? [];
  const axes =
    node.constantNumbers(3)?.map((axis) => axisOf(node, axis, rank)) ?? x.shape.map((_, i) => i);
  const begins = x.shape.map(() => 0);
  const ends = x.shape.map(() => 0);
  for (const [i, axis] of axes.entries()) {
    begins[axis] = stated[i] ?? 0;
    ends[axis] = stated[i + axes.length] ?? 0;
  }
  return { begins, ends };
}

/** Pads with copies of elements of x. */
function padByMode(node: ImportNode, x: Value, before: Shape, after: Shape, mode: string): Value {
  const sourceOf = lookUp(sourceIndex, mode);
  if (sourceOf === undefined)
    throw unknownValue(node, "mode", mode, ["constant", ...Object.keys(sourceIndex)]);
  return x.shape.reduce((y, n, axis) => {
    const length = before[axis] + n + after[axis];
    if (length === n) return y;
    checkSize(node, [length]);
    const indices = Array.from({ length }, (_, i) => sourceOf(i - before[axis], n));
    return g.gather(y, int64(indices), axis);
  }, x);
}

function padByValue(x: Value, before: Shape, after: Shape, value: number): Value {
  if (value === 0) return g.pad(x, before, after);
  return x.shape.reduce((y, _, axis) => {
    const block = (count: number) => g.expand(g.scalarLike(x, value), y.shape.with(axis, count));
    const parts = [block(before[axis]), y, block(after[axis])];
    return g.concat(
      parts.filter(({ shape }) => shape[axis] > 0),
      axis,
    );
  }, x);
}

function pad(node: ImportNode): Value {
  const x = node.input(0);
  const { begins, ends } = padsOf(node, x);
  const mode = node.string("mode", "constant");
  const cut = x.shape.reduce((y, n, axis) => {
    const [start, stop] = [Math.max(-begins[axis], 0), n - Math.max(-ends[axis], 0)];
    return start === 0 && stop === n ? y : g.sliceAxis(y, axis, start, stop);
  }, x);
  const [before, after] = [begins, ends].map((all) => all.map((n) => Math.max(n, 0)));
  if (mode !== "constant") return padByMode(node, cut, before, after, mode);
  const value = node.opset < 11 ? node.float("value", 0) : constantNumber(node, 2, 0);
  return padByValue(cut, before, after, value);
}

function compress(node: ImportNode): Value {
  const x = node.input(0);
  const kept = (node.constantNumbers(1) ?? []).flatMap((v, i) => (v === 0 ? [] : [i]));
  if (!node.has("axis")) return g.gather(g.reshape(x, [elementCount(x.shape)]), int64(kept), 0);
  return g.gather(x, int64(kept), axisOf(node, node.int("axis", 0), x.shape.length));
}

/** Importers of gathers, scatters, Pad and Compress. */
export const indexing: Importers = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterElements: scatterElements,
  Scatter: scatterElements,
  ScatterND: scatterNd,
  Pad: pad,
  Compress: compress,
};
