// How many nodes a file may have, by what it stores.

import type { GraphProto, NodeProto, TensorProto } from "onnx-buf";
import { sizeOf } from "../../../math/tensor.ts";

/** Nodes of any file at most, and of one that stores little; large graphs carry large weights. */
const MAX_NODES = 20_000;
const FEW_NODES = 2000;
/** Elements of a file's arrays for each node beyond. */
const STORED_PER_NODE = 512;
/** Inputs of a node that count as one node. */
const INPUTS_PER_NODE = 8;

/** Elements of a stored array by what it holds, whatever it states. */
export const storedElements = ({ rawData, dims }: TensorProto): number =>
  Math.min(rawData.length || Number.POSITIVE_INFINITY, Math.max(sizeOf(dims.map(Number)), 0) || 0);

/** Elements of all arrays that a graph stores, in initializers or in attributes of its nodes. */
function storedIn({ initializer, node }: GraphProto): number {
  let sum = 0;
  for (const one of initializer) sum += storedElements(one);
  for (const { attribute } of node)
    for (const { t } of attribute) if (t !== undefined) sum += storedElements(t);
  return sum;
}

/** What a node counts: one, or more if it has very many inputs. */
export const nodeCost = ({ input }: NodeProto): number =>
  Math.max(1, Math.ceil(input.length / INPUTS_PER_NODE));

/** Nodes that a file may have, those of functions and loops written out. */
export const nodeBudget = (graph: GraphProto): number =>
  Math.floor(Math.min(MAX_NODES, Math.max(FEW_NODES, storedIn(graph) / STORED_PER_NODE)));
