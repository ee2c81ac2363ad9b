import { elementCount } from "../../math/tensor.ts";
import { is, type Value } from "./value.ts";

/** Rough cost of computing a node: multiply-adds, or the larger of elements read and written. */
export function workOf(node: Value): number {
  const size = elementCount(node.shape);
  if (is(node, "Input") || is(node, "Constant")) return 0;
  if (is(node, "MatMul")) return size * (node.inputs[0].shape.at(-1) ?? 1);
  if (is(node, "Conv")) return size * elementCount(node.inputs[1].shape.slice(1));
  if (is(node, "ConvInputGradient"))
    return elementCount(node.inputs[0].shape) * elementCount(node.inputs[1].shape.slice(1));
  if (is(node, "ConvWeightGradient"))
    return elementCount(node.inputs[1].shape) * elementCount(node.shape.slice(1));
  if (is(node, "MaxPool") || is(node, "MaxPoolIndices") || is(node, "AveragePool"))
    return size * elementCount(node.attrs.kernel);
  if (is(node, "TopKIndices")) {
    const [{ shape }] = node.inputs;
    return elementCount(shape) * (1 + Math.log2(1 + shape[node.attrs.axis]));
  }
  return Math.max(size, ...node.inputs.map(({ shape }) => elementCount(shape)));
}
