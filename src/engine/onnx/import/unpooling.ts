// The partial inverse of max pooling: https://onnx.ai/onnx/operators/onnx__MaxUnpool.html
//
// Opset 9: first version; 11 and 22: more types. Indices count through the output, as ONNX Runtime reads them.

import { sizeOf } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import { is, type Value } from "../../graph/value.ts";
import { arange, int64 } from "./arithmetic.ts";
import { checkSize, MAX_SPREAD } from "./constants.ts";
import type { Importers, ImportNode } from "./import-node.ts";

/** Whether each index is that of another window, because it comes from a pool whose windows do not overlap. */
function distinct(indices: Value): boolean {
  let value = indices;
  while (is(value, "Reshape")) value = value.inputs[0];
  if (!is(value, "MaxPoolIndices")) return false;
  const { kernel, strides, dilations } = value.attrs;
  return kernel.every((n, i) => (n - 1) * dilations[i] < strides[i]);
}

/**
 * Values [n] of which only the last that goes to each index is kept, the others blanked. Sorted by index and then by place,
 * the last of each run is followed by another index.
 */
function lastWritten(values: Value, indices: Value): { values: Value; indices: Value } {
  const [n] = values.shape;
  const positions = arange(n);
  const keys = g.add(g.mul(indices, g.scalarLike(indices, n)), positions);
  const order = g.topKIndices(keys, n, 0);
  const sorted = g.gather(indices, order, 0);
  const before = g.concat([int64([-1]), g.sliceAxis(sorted, 0, 0, n - 1)], 0);
  const taken = g.gather(values, order, 0);
  const kept = g.where(g.equal(sorted, before), g.scalarLike(taken, 0), taken);
  return { values: kept, indices: sorted };
}

/** The shape that the node states, or the smallest that its windows cover. */
function shapeOf(node: ImportNode): readonly number[] {
  const x = node.input(0);
  const stated = node.constantInts(2);
  if (stated !== undefined) {
    if (stated.length !== x.shape.length || stated[0] !== x.shape[0] || stated[1] !== x.shape[1])
      throw node.error(`is to give [${stated.join(", ")}] from [${x.shape.join(", ")}]`);
    return stated;
  }
  const rank = x.shape.length - 2;
  const kernel = node.ints("kernel_shape") ?? [];
  const strides = node.ints("strides") ?? kernel.map(() => 1);
  const pads = node.ints("pads") ?? [...kernel, ...kernel].map(() => 0);
  if (kernel.length !== rank || strides.length !== rank || pads.length !== 2 * rank)
    throw node.error(`has a kernel [${kernel}] for ${rank} spatial axes`);
  const lengths = kernel.map(
    (n, i) => (x.shape[i + 2] - 1) * strides[i] - pads[i] - pads[i + rank] + n,
  );
  return [x.shape[0], x.shape[1], ...lengths];
}

/** (x, indices, shape): zeros with each element of x at its index; of several the last stands. */
function maxUnpool(node: ImportNode): Value {
  const [x, indices] = [node.input(0), g.cast(node.input(1), "int64")];
  if (indices.shape.join() !== x.shape.join())
    throw node.error(`has indices [${indices.shape.join(", ")}] for [${x.shape.join(", ")}]`);
  const shape = shapeOf(node);
  checkSize(node, shape, MAX_SPREAD);
  const [count, cells] = [sizeOf(x.shape), sizeOf(shape)];
  const known = node.constantOf(indices);
  const wrong = known === null ? undefined : [...known.data].find((i) => !(i >= 0 && i < cells));
  if (wrong !== undefined) throw node.error(`has an index ${wrong} of ${cells}`);
  const flat = { values: g.reshape(x, [count]), indices: g.reshape(indices, [count]) };
  const written = distinct(indices) ? flat : lastWritten(flat.values, flat.indices);
  // Some runtimes scatter into no less than what is written.
  const room = Math.max(cells, count);
  const all = g.scatterAdd(written.values, written.indices, 0, [room]);
  return g.reshape(g.sliceAxis(all, 0, 0, cells), shape);
}

export const unpooling: Importers = { MaxUnpool: maxUnpool };
