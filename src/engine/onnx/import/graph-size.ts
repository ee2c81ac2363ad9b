// Limits the number of nodes of a file by its stored bytes, so a small file cannot exhaust the machine.

import type { GraphProto, NodeProto, TensorProto } from "onnx-buf";
import { elementCount } from "../../../math/tensor.ts";

/** The limit for any file, and the limit for a file that stores little. */
const MAX_NODES = 20_000;
const MIN_NODES = 2000;
/** Stored elements per additional node: large graphs have large weights. */
const STORED_PER_NODE = 512;
/** A node with more inputs counts as several nodes. */
const INPUTS_PER_NODE = 8;

/** Elements of a stored tensor, at most as many as it has bytes, whatever its shape claims. */
export const storedElements = ({ rawData, dims }: TensorProto): number =>
  Math.min(
    rawData.length || Number.POSITIVE_INFINITY,
    Math.max(elementCount(dims.map(Number)), 0) || 0,
  );

/** Elements of all tensors in initializers and in attributes of nodes. */
function storedIn({ initializer, node }: GraphProto): number {
  let sum = 0;
  for (const one of initializer) sum += storedElements(one);
  for (const { attribute } of node)
    for (const { t } of attribute) if (t !== undefined) sum += storedElements(t);
  return sum;
}

/** The number of nodes that a node counts as: more than 1 if it has many inputs. */
export const nodeCost = ({ input }: NodeProto): number =>
  Math.max(1, Math.ceil(input.length / INPUTS_PER_NODE));

/** The maximum number of nodes of a file, with functions inlined and loops unrolled. */
export const nodeBudget = (graph: GraphProto): number =>
  Math.floor(Math.min(MAX_NODES, Math.max(MIN_NODES, storedIn(graph) / STORED_PER_NODE)));
