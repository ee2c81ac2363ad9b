// Bounds the nodes of a file by the bytes that it stores, so that a small file cannot exhaust the machine.

import type { GraphProto, NodeProto, TensorProto } from "onnx-buf";
import { elementCount } from "../../../math/tensor.ts";

/** Nodes of any file at most, and of a file that stores little. */
const MAX_NODES = 20_000;
const MIN_NODES = 2000;
/** Stored elements per further node: large graphs have large weights. */
const STORED_PER_NODE = 512;
/** Inputs that a node may have before it counts as several. */
const INPUTS_PER_NODE = 8;

/** Elements of a stored array, bounded by its bytes whatever shape it states. */
export const storedElements = ({ rawData, dims }: TensorProto): number =>
  Math.min(
    rawData.length || Number.POSITIVE_INFINITY,
    Math.max(elementCount(dims.map(Number)), 0) || 0,
  );

/** Elements of all arrays in a graph's initializers and in attributes of its nodes. */
function storedIn({ initializer, node }: GraphProto): number {
  let sum = 0;
  for (const one of initializer) sum += storedElements(one);
  for (const { attribute } of node)
    for (const { t } of attribute) if (t !== undefined) sum += storedElements(t);
  return sum;
}

/** Nodes that a node counts as: 1, or more if it has very many inputs. */
export const nodeCost = ({ input }: NodeProto): number =>
  Math.max(1, Math.ceil(input.length / INPUTS_PER_NODE));

/** Nodes that a file may have, with functions inlined and loops unrolled. */
export const nodeBudget = (graph: GraphProto): number =>
  Math.floor(Math.min(MAX_NODES, Math.max(MIN_NODES, storedIn(graph) / STORED_PER_NODE)));
