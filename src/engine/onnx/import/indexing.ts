// Operators that read and write by index, and pads that repeat what is there.

import { own } from "../../../math/own.ts";
import { type Shape, sizeOf } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { int64 } from "./arithmetic.ts";
import { checkSize } from "./constants.ts";
import { axisOf, constantNumber, type Importers, type ImportNode } from "./import-node.ts";

/** Indices counted from the front, as int64. */
function counted(node: ImportNode, indices: Value, length: number): Value {
  const whole = g.cast(indices, "int64");
  const known = node.constantOf(whole);
  if (known !== null) {
    const values = Array.from(
      known.data as ArrayLike<bigint>,
      (v) => Number(v) + (v < 0 ? length : 0),
    );
    const wrong = values.find((v) => !(v >= 0 && v < length));
    if (wrong !== undefined) throw node.error(`index ${wrong} along an axis of length ${length}`);
    return int64(values, known.shape);
  }
  const size = g.scalarLike(whole, length);
  return g.where(g.greater(g.scalarLike(whole, 0), whole), g.add(whole, size), whole);
}

/** Slices of x along an axis; a single one or a run of neighbours is cut out, which is faster. */
function gather(node: ImportNode): Value {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", 0), x.shape.length);
  const indices = counted(node, node.input(1), x.shape[axis]);
  const known = node.constantOf(indices);
  const values = known === null ? [] : Array.from(known.data as ArrayLike<bigint>, Number);
  const run = values.length > 0 && values.every((v, i) => v === values[0] + i);
  if (!run) return g.gather(x, indices, axis);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return g.reshape(g.sliceAxis(x, axis, values[0], values[0] + values.length), shape);
}

function gatherElements(node: ImportNode): Value {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", 0), x.shape.length);
  return g.gatherElements(x, counted(node, node.input(1), x.shape[axis]), axis);
}

/** The place in memory of each index of length `depth` along the last axis: Σ index·stride over the first axes of `shape`. */
function places(node: ImportNode, indices: Value, shape: Shape): Value {
  const last = indices.shape.length - 1;
  const depth = indices.shape[last];
  if (depth > shape.length)
    throw node.error(`indices of length ${depth} into ${shape.length} axes`);
  const parts = Array.from({ length: depth }, (_, i) => {
    const one = g.reshape(g.sliceAxis(indices, last, i, i + 1), indices.shape.slice(0, -1));
    const stride = sizeOf(shape.slice(i + 1, depth));
    const from = counted(node, one, shape[i]);
    return g.mul(from, g.scalarLike(from, stride));
  });
  return parts.reduce(g.add);
}

function gatherNd(node: ImportNode): Value {
  const [x, indices] = [node.input(0), g.cast(node.input(1), "int64")];
  const batches = node.int("batch_dims", 0);
  const depth = indices.shape[indices.shape.length - 1];
  const inner = x.shape.slice(batches + depth);
  const batch = sizeOf(x.shape.slice(0, batches));
  const cells = sizeOf(x.shape.slice(batches, batches + depth));
  const within = places(node, indices, x.shape.slice(batches, batches + depth));
  const each = sizeOf(within.shape.slice(batches));
  const starts = int64(
    Array.from({ length: batch }, (_, i) => i * cells),
    [batch, 1],
  );
  const flat = g.reshape(g.add(g.reshape(within, [batch, each]), starts), [batch * each]);
  const taken = g.gather(g.reshape(x, [batch * cells, sizeOf(inner)]), flat, 0);
  return g.reshape(taken, [...indices.shape.slice(0, -1), ...inner]);
}

/** x with updates written (or added) at indices along an axis: what is overwritten is blanked first. */
function written(node: ImportNode, x: Value, updates: Value, indices: Value, axis: number): Value {
  const added = g.scatterAdd(updates, indices, axis, x.shape);
  const reduction = node.text("reduction", "none");
  if (reduction === "add") return g.add(x, added);
  if (reduction !== "none") throw node.error(`reduces by ${reduction}; none and add can be read`);
  const ones = g.expand(g.scalarLike(x, 1), indices.shape);
  const touched = g.greater(g.scatterAdd(ones, indices, axis, x.shape), g.scalarLike(x, 0));
  return g.where(touched, added, x);
}

function scatterElements(node: ImportNode): Value {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", 0), x.shape.length);
  return written(node, x, node.input(2), counted(node, node.input(1), x.shape[axis]), axis);
}

function scatterNd(node: ImportNode): Value {
  const [x, indices, updates] = [node.input(0), g.cast(node.input(1), "int64"), node.input(2)];
  const depth = indices.shape[indices.shape.length - 1];
  const [cells, inner] = [sizeOf(x.shape.slice(0, depth)), sizeOf(x.shape.slice(depth))];
  const place = places(node, indices, x.shape.slice(0, depth));
  const count = sizeOf(place.shape);
  const spread = g.expand(g.reshape(place, [count, 1]), [count, inner]);
  const flat = g.reshape(x, [cells, inner]);
  const y = written(node, flat, g.reshape(updates, [count, inner]), spread, 0);
  return g.reshape(y, x.shape);
}

/** Where each place of a padded axis reads, by the mode of the pad. */
const readFrom: Readonly<Record<string, (i: number, n: number) => number>> = {
  edge: (i, n) => Math.min(Math.max(i, 0), n - 1),
  wrap: (i, n) => ((i % n) + n) % n,
  reflect: (i, n) => {
    if (n === 1) return 0;
    const period = 2 * (n - 1);
    const folded = ((i % period) + period) % period;
    return folded < n ? folded : period - folded;
  },
};

function pad(node: ImportNode): Value {
  const x = node.input(0);
  const rank = x.shape.length;
  const stated = node.ints("pads") ?? node.ints("paddings") ?? node.constantInts(1) ?? [];
  const axes =
    node.constantInts(3)?.map((axis) => axisOf(node, axis, rank)) ?? x.shape.map((_, i) => i);
  const begins = x.shape.map((_, axis) => stated[axes.indexOf(axis)] ?? 0);
  const ends = x.shape.map((_, axis) => {
    const at = axes.indexOf(axis);
    return at < 0 ? 0 : (stated[at + axes.length] ?? 0);
  });
  const mode = node.text("mode", "constant");
  // Negative pads cut.
  const cut = x.shape.reduce((y, n, axis) => {
    const [from, to] = [Math.max(-begins[axis], 0), n - Math.max(-ends[axis], 0)];
    return from === 0 && to === n ? y : g.sliceAxis(y, axis, from, to);
  }, x);
  const [before, after] = [begins, ends].map((all) => all.map((n) => Math.max(n, 0)));
  if (mode !== "constant") {
    const from = own(readFrom, mode);
    if (from === undefined) throw node.error(`pads in mode ${mode}, which is unknown`);
    return cut.shape.reduce((y, n, axis) => {
      const length = before[axis] + n + after[axis];
      if (length === n) return y;
      checkSize(node, [length]);
      const indices = Array.from({ length }, (_, i) => from(i - before[axis], n));
      return g.gather(y, int64(indices), axis);
    }, cut);
  }
  const value = node.opset < 11 ? node.float("value", 0) : constantNumber(node, 2, 0);
  if (value === 0) return g.pad(cut, before, after);
  return cut.shape.reduce((y, _, axis) => {
    const block = (count: number) => g.expand(g.scalarLike(x, value), y.shape.with(axis, count));
    return g.concat(
      [block(before[axis]), y, block(after[axis])].filter(({ shape }) => shape[axis] > 0),
      axis,
    );
  }, cut);
}

function compress(node: ImportNode): Value {
  const x = node.input(0);
  const kept = (node.constantInts(1) ?? []).flatMap((v, i) => (v === 0 ? [] : [i]));
  if (!node.has("axis")) return g.gather(g.reshape(x, [sizeOf(x.shape)]), int64(kept), 0);
  return g.gather(x, int64(kept), axisOf(node, node.int("axis", 0), x.shape.length));
}

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
