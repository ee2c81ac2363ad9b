// Operators that rearrange elements, and operators on shapes, which are constants at import:
// https://onnx.ai/onnx/operators (Reshape, Split, Slice, Concat, DepthToSpace, …)
//
// Attributes became inputs: in opset 5 (Reshape), 10 (Slice) and 13 (Squeeze, Unsqueeze and Split).
// Tile: before opset 6 one count and one axis. Reshape: `allowzero` since opset 14. Shape: `start`
// and `end` since opset 15. Split: `num_outputs` since opset 18.

import { elementCount } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import { broadcast } from "../../graph/shapes.ts";
import type { Value } from "../../graph/value.ts";
import { int64 } from "./arithmetic.ts";
import { checkSize, MAX_SPREAD, permuted } from "./constants.ts";
import { axisOf, type Importers, type ImportNode } from "./import-node.ts";

/** The shape of x from `start` to `end`. */
function shapeOf(node: ImportNode): Value {
  const { shape } = node.input(0);
  const clamped = (n: number) => Math.min(Math.max(n < 0 ? n + shape.length : n, 0), shape.length);
  return int64(shape.slice(clamped(node.int("start", 0)), clamped(node.int("end", shape.length))));
}

/** The shape that a node states, with the stated batch of the file replaced by the wanted batch. */
const rebatched = (
  { batch }: ImportNode,
  x: Value,
  stated: readonly number[],
): readonly number[] =>
  batch !== null && stated[0] === batch.stated && x.shape[0] === batch.wanted
    ? [batch.wanted, ...stated.slice(1)]
    : stated;

/**
 * Parts of a concatenation. If the file is rewritten for another batch, a part for one image is
 * repeated for each image.
 */
function repeated({ batch }: ImportNode, parts: readonly Value[], axis: number): readonly Value[] {
  if (batch === null || axis === 0 || !parts.some(({ shape }) => shape[0] === batch.wanted))
    return parts;
  return parts.map((part) =>
    part.shape[0] === 1 ? g.expand(part, part.shape.with(0, batch.wanted)) : part,
  );
}

function reshape(node: ImportNode): Value {
  const x = node.input(0);
  const stated = node.opset < 5 ? (node.ints("shape") ?? []) : (node.constantNumbers(1) ?? []);
  const wanted = rebatched(node, x, stated);
  const zeroCopies = node.int("allowzero", 0) === 0;
  const lengths = wanted.map((n, axis) => (n === 0 && zeroCopies ? (x.shape[axis] ?? 0) : n));
  const open = lengths.indexOf(-1);
  if (open >= 0) {
    const rest = elementCount(lengths.filter((_, axis) => axis !== open));
    lengths[open] = rest === 0 ? 0 : elementCount(x.shape) / rest;
  }
  if (
    lengths.some((n) => !(n >= 0 && Number.isInteger(n))) ||
    elementCount(lengths) !== elementCount(x.shape)
  )
    throw node.error(`cannot reshape [${x.shape.join(", ")}] to [${wanted.join(", ")}]`);
  return g.reshape(x, lengths);
}

function flatten(node: ImportNode): Value {
  const x = node.input(0);
  const rank = x.shape.length;
  const axis = node.int("axis", 1);
  const split = axis < 0 ? axis + rank : axis;
  return g.reshape(x, [elementCount(x.shape.slice(0, split)), elementCount(x.shape.slice(split))]);
}

/** The stated axes of a node, counted from the front. */
const axesOf = (node: ImportNode, rank: number): number[] | undefined =>
  (node.ints("axes") ?? node.constantNumbers(1))?.map((axis) => axisOf(node, axis, rank));

function squeeze(node: ImportNode): Value {
  const x = node.input(0);
  const axes =
    axesOf(node, x.shape.length) ?? x.shape.flatMap((n, axis) => (n === 1 ? [axis] : []));
  const long = axes.find((axis) => x.shape[axis] !== 1);
  if (long !== undefined)
    throw node.error(
      `cannot squeeze axis ${long} of shape [${x.shape.join(", ")}], whose length is not 1`,
    );
  return g.reshape(
    x,
    x.shape.filter((_, axis) => !axes.includes(axis)),
  );
}

function unsqueeze(node: ImportNode): Value {
  const x = node.input(0);
  const count = (node.ints("axes") ?? node.constantNumbers(1) ?? []).length;
  const axes = axesOf(node, x.shape.length + count) ?? [];
  const rest = [...x.shape];
  return g.reshape(
    x,
    Array.from({ length: x.shape.length + count }, (_, axis) =>
      axes.includes(axis) ? 1 : (rest.shift() ?? 1),
    ),
  );
}

/** Maximum copies of a tile that are concatenated. Larger numbers of copies are expanded. */
const MAX_PARTS = 64;

function tile(node: ImportNode): Value {
  const x = node.input(0);
  const repeats = node.constantNumbers(1) ?? [];
  const counts =
    node.opset < 6
      ? x.shape.map((_, i) => (i === (node.constantNumbers(2) ?? [0])[0] ? repeats[0] : 1))
      : repeats;
  checkSize(
    node,
    x.shape.map((n, i) => n * counts[i]),
    MAX_SPREAD,
  );
  return x.shape.reduce((y, n, axis) => {
    const count = counts[axis];
    if (count <= MAX_PARTS && count > 0) return g.concat(new Array<Value>(count).fill(y), axis);
    const split = y.shape.toSpliced(axis, 0, 1);
    const repeated = g.expand(g.reshape(y, split), split.with(axis, count));
    return g.reshape(repeated, y.shape.with(axis, count * n));
  }, x);
}

function split(node: ImportNode): Value[] {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", 0), x.shape.length);
  const stated = node.ints("split") ?? node.constantNumbers(1);
  const count = node.int("num_outputs", node.outputs);
  if (stated === undefined && count !== node.outputs)
    throw node.invalid(`num_outputs is ${count}, but the node has ${node.outputs} outputs`);
  const chunk = Math.ceil(x.shape[axis] / count);
  const lengths =
    stated ??
    Array.from({ length: count }, (_, i) =>
      Math.max(Math.min(chunk, x.shape[axis] - i * chunk), 0),
    );
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total !== x.shape[axis] || lengths.some((length) => !(length >= 0)))
    throw node.error(
      `cannot split an axis of length ${x.shape[axis]} into parts of [${lengths.join(", ")}]`,
    );
  let start = 0;
  return lengths.map((length) => {
    start += length;
    return g.sliceAxis(x, axis, start - length, start);
  });
}

/** A slice of x whose stated starts and ends may be negative or beyond the axis. */
function slice(node: ImportNode): Value {
  const x = node.input(0);
  const isOld = node.opset < 10;
  const stated = (name: string, input: number) =>
    isOld ? node.ints(name) : node.constantNumbers(input);
  const starts = stated("starts", 1) ?? [];
  const ends = stated("ends", 2) ?? [];
  const axes = stated("axes", 3) ?? starts.map((_, i) => i);
  const steps = (isOld ? undefined : node.constantNumbers(4)) ?? starts.map(() => 1);
  const attrs = {
    starts: x.shape.map(() => 0),
    stops: [...x.shape],
    steps: x.shape.map(() => 1),
  };
  for (const [i, statedAxis] of axes.entries()) {
    const axis = axisOf(node, statedAxis, x.shape.length);
    const n = x.shape[axis];
    const step = steps[i];
    if (!(Math.abs(step) >= 1)) throw node.invalid(`a slice cannot have a step of ${step}`);
    const clamp = (index: number, low: number, high: number) =>
      Math.min(Math.max(index < 0 ? index + n : index, low), high);
    const last = Math.max(n - 1, 0);
    attrs.steps[axis] = step;
    attrs.starts[axis] = step > 0 ? clamp(starts[i], 0, n) : clamp(starts[i], 0, last);
    attrs.stops[axis] = step > 0 ? clamp(ends[i], 0, n) : clamp(ends[i], -1, last);
  }
  return g.slice(x, attrs);
}

function transpose(node: ImportNode): Value {
  const x = node.input(0);
  return permuted(x, node.ints("perm") ?? x.shape.map((_, axis) => x.shape.length - 1 - axis));
}

/** Moves blocks of channels to pixels, in the order DCR, or CRD as in PixelShuffle of PyTorch. */
function depthToSpace(node: ImportNode): Value {
  const x = node.input(0);
  const b = node.int("blocksize", 1);
  const [batch, channels, height, width] = x.shape;
  const depth = channels / (b * b);
  const columnsFirst = node.string("mode", "DCR") === "CRD";
  const split = columnsFirst
    ? [batch, depth, b, b, height, width]
    : [batch, b, b, depth, height, width];
  const perm = columnsFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  return g.reshape(g.transpose(g.reshape(x, split), perm), [batch, depth, height * b, width * b]);
}

function spaceToDepth(node: ImportNode): Value {
  const x = node.input(0);
  const b = node.int("blocksize", 1);
  const [batch, channels, height, width] = x.shape;
  const split = g.reshape(x, [batch, channels, height / b, b, width / b, b]);
  return g.reshape(g.transpose(split, [0, 3, 5, 1, 2, 4]), [
    batch,
    channels * b * b,
    height / b,
    width / b,
  ]);
}

/** Importers of operators that rearrange elements or read shapes. */
export const shapes: Importers = {
  Shape: shapeOf,
  Size: (node) => int64([elementCount(node.input(0).shape)], []),
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Expand: (node) => {
    const x = node.input(0);
    const shape = broadcast(x.shape, rebatched(node, x, node.constantNumbers(1) ?? []));
    checkSize(node, shape, MAX_SPREAD);
    return g.expand(x, shape);
  },
  Tile: tile,
  Concat: (node) => {
    const parts = node.inputs.map((_, i) => node.input(i));
    const axis = axisOf(node, node.int("axis", 1), parts[0].shape.length);
    return g.concat(repeated(node, parts, axis), axis);
  },
  Split: split,
  Slice: slice,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
