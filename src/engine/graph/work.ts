import { sizeOf } from "../../math/tensor.ts";
import { is, type Value } from "./value.ts";

/** Rough cost of computing a node: multiply-adds, or the larger of elements read and written. */
export function workOf(node: Value): number {
  const size = sizeOf(node.shape);
  if (is(node, "Input") || is(node, "Constant")) return 0;
  if (is(node, "MatMul")) return size * (node.inputs[0].shape.at(-1) ?? 1);
  if (is(node, "Conv")) return size * sizeOf(node.inputs[1].shape.slice(1));
  if (is(node, "ConvInputGradient"))
    return sizeOf(node.inputs[0].shape) * sizeOf(node.inputs[1].shape.slice(1));
  if (is(node, "ConvWeightGradient"))
    return sizeOf(node.inputs[1].shape) * sizeOf(node.shape.slice(1));
  if (is(node, "MaxPool") || is(node, "MaxPoolIndices") || is(node, "AveragePool"))
    return size * sizeOf(node.attrs.kernel);
  if (is(node, "TopKIndices")) {
    const [{ shape }] = node.inputs;
    return sizeOf(shape) * (1 + Math.log2(1 + shape[node.attrs.axis]));
  }
  return Math.max(size, ...node.inputs.map(({ shape }) => sizeOf(shape)));
}
