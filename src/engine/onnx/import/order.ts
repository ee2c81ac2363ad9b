// Which nodes of a graph are needed, and in which order.

import type { GraphProto, NodeProto } from "onnx-buf";
import { UsageError } from "../../../math/usage-error.ts";
import { type Declared, type OnnxModel, subgraphsOf } from "../model.ts";

/** Inputs that what is wanted depends on, other than those that are fed. */
export function unfedInputs(
  { graph, inputs }: OnnxModel,
  fed: readonly string[],
  wanted: readonly string[],
): Declared[] {
  const read = new Set([...wanted, ...needed(graph.node, wanted).flatMap(reads)]);
  return inputs.filter(({ name }) => read.has(name) && !fed.includes(name));
}

/** The nodes that `wanted` depends on, in the order of the file. */
export function needed(nodes: readonly NodeProto[], wanted: readonly string[]): NodeProto[] {
  const makers = new Map<string, NodeProto[]>();
  for (const node of nodes)
    for (const name of node.output) {
      const others = makers.get(name);
      if (others === undefined) makers.set(name, [node]);
      else others.push(node);
    }
  const found = new Set<NodeProto>();
  const open = [...wanted];
  for (let name = open.pop(); name !== undefined; name = open.pop())
    for (const node of name === "" ? [] : (makers.get(name) ?? [])) {
      if (found.has(node)) continue;
      found.add(node);
      for (const read of reads(node)) open.push(read);
    }
  return nodes.filter((node) => found.has(node));
}

/** Nodes in an order in which each comes after what it reads; files are meant to have one, and some do not. */
export function ordered(nodes: readonly NodeProto[]): NodeProto[] {
  const makers = new Map<string, NodeProto>();
  for (const node of nodes)
    for (const name of node.output) {
      if (name !== "" && makers.has(name))
        throw new UsageError(`${JSON.stringify(name)} is made by two nodes; the file is corrupt`);
      makers.set(name, node);
    }
  const order: NodeProto[] = [];
  const state = new Map<NodeProto, "open" | "done">();
  for (const root of nodes) {
    const stack = [root];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      if (state.get(node) === "done") {
        stack.pop();
        continue;
      }
      const waiting = reads(node)
        .flatMap((name) => makers.get(name) ?? [])
        .filter((one) => state.get(one) !== "done" && one !== node);
      const cyclic = waiting.find((one) => state.get(one) === "open");
      if (
        cyclic !== undefined ||
        reads(node).some((name) => node.output.includes(name) && name !== "")
      )
        throw new UsageError(
          `node ${JSON.stringify(node.name || node.output[0])} (${node.opType}) needs its own result; the file is corrupt`,
        );
      if (waiting.length === 0) {
        order.push(node);
        state.set(node, "done");
        stack.pop();
      } else {
        state.set(node, "open");
        for (const one of waiting) stack.push(one);
      }
    }
  }
  return order;
}

/** All names that a node reads, those that its subgraphs read of the graph around them included. */
const reads = (node: NodeProto): string[] => [
  ...node.input,
  ...subgraphsOf(node).flatMap(readsAround),
];

/** Names that a subgraph reads of the graph around it; its own names hide those. */
function readsAround(graph: GraphProto): string[] {
  const made = new Set([
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.sparseInitializer.map(({ values }) => values?.name ?? ""),
    ...graph.node.flatMap(({ output }) => output),
  ]);
  const read = [...graph.node.flatMap(reads), ...graph.output.map(({ name }) => name)];
  return read.filter((name) => !made.has(name));
}
