// The partial inverse of max pooling: https://onnx.ai/onnx/operators/onnx__MaxUnpool.html
//
// Opset 9: first version. Opsets 11 and 22: more types. As in ONNX Runtime, indices are offsets into
// the whole output.

import { elementCount } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import { is, type Value } from "../../graph/value.ts";
import { arange, int64 } from "./arithmetic.ts";
import { checkSize, MAX_SPREAD } from "./constants.ts";
import type { Importers, ImportNode } from "./import-node.ts";

/** Whether indices are certainly distinct, because they come from a max pool whose windows do not overlap. */
function areDistinct(indices: Value): boolean {
  let value = indices;
  while (is(value, "Reshape")) value = value.inputs[0];
  if (!is(value, "MaxPoolIndices")) return false;
  const { kernel, strides, dilations } = value.attrs;
  return kernel.every((n, i) => (n - 1) * dilations[i] < strides[i]);
}

/**
 * Values [n] and their indices. All values of an index except the last are set to 0. In descending
 * order of index, then of position, a value is the last of its index if the entry before it has
 * another index.
 */
function lastWritten(values: Value, indices: Value): { values: Value; indices: Value } {
  const [n] = values.shape;
  const positions = arange(n);
  const keys = g.add(g.mul(indices, g.scalarLike(indices, n)), positions);
  const order = g.topKIndices(keys, n, 0);
  const sorted = g.gather(indices, order, 0);
  const previous = g.concat([int64([-1]), g.sliceAxis(sorted, 0, 0, n - 1)], 0);
  const sortedValues = g.gather(values, order, 0);
  const isOverwritten = g.equal(sorted, previous);
  const kept = g.where(isOverwritten, g.scalarLike(sortedValues, 0), sortedValues);
  return { values: kept, indices: sorted };
}

/** The shape of the output: stated, or the smallest that the windows cover. */
function outputShape(node: ImportNode): readonly number[] {
  const x = node.input(0);
  const stated = node.constantNumbers(2);
  if (stated !== undefined) {
    if (stated.length !== x.shape.length || stated[0] !== x.shape[0] || stated[1] !== x.shape[1])
      throw node.error(`cannot unpool [${x.shape.join(", ")}] to [${stated.join(", ")}]`);
    return stated;
  }
  const rank = x.shape.length - 2;
  const kernel = node.ints("kernel_shape") ?? [];
  const strides = node.ints("strides") ?? kernel.map(() => 1);
  const pads = node.ints("pads") ?? [...kernel, ...kernel].map(() => 0);
  if (kernel.length !== rank || strides.length !== rank || pads.length !== 2 * rank)
    throw node.invalid(
      `kernel_shape [${kernel}], strides [${strides}] and pads [${pads}] do not fit ${rank} spatial axes`,
    );
  const lengths = kernel.map(
    (n, i) => (x.shape[i + 2] - 1) * strides[i] - pads[i] - pads[i + rank] + n,
  );
  return [x.shape[0], x.shape[1], ...lengths];
}

/**
 * (x, indices, shape?) ↦ zeros with each element of x at its index. If several elements have the same
 * index, the last one wins.
 */
function maxUnpool(node: ImportNode): Value {
  const [x, indices] = [node.input(0), g.cast(node.input(1), "int64")];
  if (indices.shape.join() !== x.shape.join())
    throw node.invalid(
      `the indices have shape [${indices.shape.join(", ")}], but the input has [${x.shape.join(", ")}]`,
    );
  const shape = outputShape(node);
  checkSize(node, shape, MAX_SPREAD);
  const [count, size] = [elementCount(x.shape), elementCount(shape)];
  const constant = node.constantOf(indices);
  const outside =
    constant === null ? undefined : [...constant.data].find((i) => !(i >= 0 && i < size));
  if (outside !== undefined)
    throw node.error(`index ${outside} is outside an output of ${size} elements`);
  const flat = { values: g.reshape(x, [count]), indices: g.reshape(indices, [count]) };
  const written = areDistinct(indices) ? flat : lastWritten(flat.values, flat.indices);
  // Some runtimes cannot scatter into an array that is smaller than the updates.
  const sums = g.scatterAdd(written.values, written.indices, 0, [Math.max(size, count)]);
  return g.reshape(g.sliceAxis(sums, 0, 0, size), shape);
}

/** Importers of MaxUnpool. */
export const unpooling: Importers = { MaxUnpool: maxUnpool };
