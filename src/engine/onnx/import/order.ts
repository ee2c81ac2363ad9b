// Selects and sorts the nodes of a graph. ONNX requires sorted nodes, but not all files comply.

import type { GraphProto, NodeProto } from "onnx-buf";
import { UsageError } from "../../../math/usage-error.ts";
import { type Declared, type OnnxModel, subgraphsOf } from "../model.ts";

/** Inputs of the main graph that `wanted` depends on and that are not fed. */
export function unfedInputs(
  { graph, inputs }: OnnxModel,
  fed: readonly string[],
  wanted: readonly string[],
): Declared[] {
  const read = new Set([...wanted, ...needed(graph.node, wanted).flatMap(reads)]);
  return inputs.filter(({ name }) => read.has(name) && !fed.includes(name));
}

/** The nodes that the values named `wanted` depend on, in the order of the file. */
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

/**
 * The nodes in topological order. Throws `UsageError` if a node depends on its own output, or if two
 * nodes compute the same name.
 */
export function ordered(nodes: readonly NodeProto[]): NodeProto[] {
  const makers = makersOf(nodes);
  const order: NodeProto[] = [];
  const state = new Map<NodeProto, "open" | "done">();
  // Depth first with an explicit stack: graphs can be deeper than the call stack.
  const stack: NodeProto[] = [];
  function visit(node: NodeProto): void {
    const names = reads(node);
    const waiting = names
      .flatMap((name) => makers.get(name) ?? [])
      .filter((one) => state.get(one) !== "done" && one !== node);
    const cyclic = waiting.some((one) => state.get(one) === "open");
    if (cyclic || names.some((name) => name !== "" && node.output.includes(name)))
      throw new UsageError(
        `node ${JSON.stringify(node.name || node.output[0])} (${node.opType}) depends on its own output; the model is invalid, so export it again`,
        { code: "bad-file" },
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
  for (const root of nodes) {
    stack.push(root);
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1))
      if (state.get(node) === "done") stack.pop();
      else visit(node);
  }
  return order;
}

/** The node that computes each name. Throws `UsageError` if two nodes compute the same name. */
function makersOf(nodes: readonly NodeProto[]): Map<string, NodeProto> {
  const makers = new Map<string, NodeProto>();
  for (const node of nodes)
    for (const name of node.output) {
      if (name !== "" && makers.has(name))
        throw new UsageError(
          `two nodes compute ${JSON.stringify(name)}; the model is invalid, so export it again`,
          { code: "bad-file" },
        );
      makers.set(name, node);
    }
  return makers;
}

/** Names that a node reads, its subgraphs included. */
const reads = (node: NodeProto): string[] => [
  ...node.input,
  ...subgraphsOf(node).flatMap(readsAround),
];

/** Names that a subgraph reads from its outer graphs. */
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
