// The adjoint of im2col: https://onnx.ai/onnx/operators/onnx__Col2Im.html (opset 18, one version)

import { elementCount, type Shape } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { int64 } from "./arithmetic.ts";
import { checkSize } from "./constants.ts";
import type { ImportNode } from "./import-node.ts";

/** Maximum positions that the import computes. */
const MAX_POSITIONS = 2 ** 20;

/** The index of the i-th element of an array of this shape, in row-major order. */
function indexOf(i: number, shape: Shape): number[] {
  let rest = i;
  return shape.map((_, axis) => {
    const inner = elementCount(shape.slice(axis + 1));
    const index = Math.floor(rest / inner);
    rest %= inner;
    return index;
  });
}

/** Offsets in the image of all elements of all blocks, [element, block]; −1 for elements in the padding. */
function offsetsOf(node: ImportNode, shape: Shape, block: Shape, blocks: number): number[] {
  const rank = shape.length;
  const ones = shape.map(() => 1);
  const strides = node.ints("strides") ?? ones;
  const dilations = node.ints("dilations") ?? ones;
  const pads = node.ints("pads") ?? new Array<number>(2 * rank).fill(0);
  const counts = shape.map((n, i) => {
    const extent = dilations[i] * (block[i] - 1) + 1;
    return Math.floor((n + pads[i] + pads[i + rank] - extent) / strides[i]) + 1;
  });
  checkSize(node, [...block, blocks], MAX_POSITIONS);
  checkSize(node, shape, MAX_POSITIONS);
  const elements = Array.from({ length: elementCount(block) }, (_, i) => indexOf(i, block));
  const starts = Array.from({ length: blocks }, (_, i) => indexOf(i, counts));
  return elements.flatMap((element) =>
    starts.map((start) => {
      const index = shape.map(
        (_, i) => start[i] * strides[i] + element[i] * dilations[i] - pads[i],
      );
      if (index.some((v, i) => v < 0 || v >= shape[i])) return -1;
      return index.reduce((offset, v, i) => offset * shape[i] + v, 0);
    }),
  );
}

/**
 * (columns [batch, channel·block, blocks], shape, block) ↦ [batch, channel, ...shape], the sum of
 * overlapping blocks.
 */
export function col2Im(node: ImportNode): Value {
  const x = node.input(0);
  const [shape, block] = [node.constantNumbers(1) ?? [], node.constantNumbers(2) ?? []];
  const [batch, columns, blocks] = x.shape;
  const size = elementCount(shape);
  const rows = (batch * columns) / elementCount(block);
  // Elements in the padding are summed in an extra cell at the end, which is then dropped.
  const offsets = offsetsOf(node, shape, block, blocks).map((i) => (i < 0 ? size : i));
  const flat = g.reshape(x, [rows, offsets.length]);
  const indices = g.expand(int64(offsets, [1, offsets.length]), [rows, offsets.length]);
  const sums = g.scatterAdd(flat, indices, 1, [rows, Math.max(size + 1, offsets.length)]);
  const channels = columns / elementCount(block);
  return g.reshape(g.sliceAxis(sums, 1, 0, size), [batch, channels, ...shape]);
}
