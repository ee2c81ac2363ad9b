// Computes once what does not change from run to run: weights in the order in which convolutions read them, and the scales
// of frozen batch norms folded into these weights.

import { elementCount, type NdArray } from "../../math/tensor.ts";
import { isLowered, type Lowered, type LoweredOp } from "../graph/lowered.ts";
import { topological } from "../graph/value.ts";
import type { Arrays } from "./runtime.ts";

type Graph = Readonly<Record<string, Lowered>>;

/** A graph in two parts: one that depends on fixed inputs and constants only, and the rest. */
export interface SplitGraph {
  /** The first part. Its outputs are inputs of the second part, under the same names. */
  readonly prepared: Graph;
  /** The second part, with the nodes in `constants` instead of the inputs of the same names. */
  main(constants: Readonly<Record<string, Lowered>>): Graph;
}

/** Prefix of the names of prepared arrays. */
const PREPARED = "prepared:";

/** Operators that ONNX Runtime runs faster with a constant operand, because it packs constants when it opens a session. */
const PACKED: ReadonlySet<LoweredOp> = new Set([
  "Conv",
  "FusedConv",
  "ConvTranspose",
  "MatMul",
  "FusedMatMul",
]);

/** Number of elements up to which a constant costs next to nothing. */
const SMALL = 1024;

/** Whether an array should become a constant of the main program: it is small, or one of its readers packs constants. */
export const prefersConstant = ({ shape }: Lowered, readers: readonly Lowered[]): boolean =>
  elementCount(shape) <= SMALL || readers.some(({ op }) => PACKED.has(op));

/** Splits a graph into the values that depend on no changing input, and the rest. */
export function splitGraph(outputs: Graph, isFixed: (name: string) => boolean): SplitGraph {
  const order = topological<Lowered>(Object.values(outputs));
  const changing = new Set<Lowered>();
  for (const node of order) {
    const changes = isLowered(node, "Input")
      ? !isFixed(node.attrs.name)
      : node.inputs.some((x) => changing.has(x));
    if (changes) changing.add(node);
  }
  // The prepared values that a changing node reads, or that are outputs themselves.
  const border = new Map<Lowered, string>();
  const cut = (node: Lowered) => {
    const isComputed = node.inputs.length > 0 && !changing.has(node);
    if (isComputed && !border.has(node)) border.set(node, `${PREPARED}${border.size}`);
  };
  for (const node of order) if (changing.has(node)) node.inputs.forEach(cut);
  Object.values(outputs).forEach(cut);

  return {
    prepared: Object.fromEntries([...border].map(([node, name]) => [name, node])),
    main(constants) {
      const replacements = new Map<Lowered, Lowered>();
      for (const [node, name] of border)
        replacements.set(node, constants[name] ?? inputLike(node, name));
      const changed = order.filter((node) => changing.has(node));
      return replaceNodes(outputs, replacements, changed);
    },
  };
}

/** An input with the dtype and shape of a node. */
const inputLike = ({ dtype, shape }: Lowered, name: string): Lowered => ({
  op: "Input",
  inputs: [],
  attrs: { name },
  dtype,
  shape,
});

/** The graph with some nodes replaced. `order` lists every node that reaches a replaced one, inputs first. */
function replaceNodes(
  outputs: Graph,
  replacements: ReadonlyMap<Lowered, Lowered>,
  order: readonly Lowered[],
): Graph {
  const current = new Map(replacements);
  for (const node of order) {
    if (current.has(node)) continue;
    const inputs = node.inputs.map((x) => current.get(x) ?? x);
    if (inputs.some((x, i) => x !== node.inputs[i])) current.set(node, { ...node, inputs });
  }
  return Object.fromEntries(
    Object.entries(outputs).map(([name, node]) => [name, current.get(node) ?? node]),
  );
}

/** The value that a Reshape, or a chain of them, reads; any other value itself. Both have the same memory. */
export function withoutReshape(node: Lowered): Lowered {
  let source = node;
  while (isLowered(source, "Reshape")) [source] = source.inputs;
  return source;
}

/**
 * Turns large constants into inputs; `fed` has their arrays by name. ONNX Runtime copies a constant several times and folds
 * it when it opens a session, but reads an input in place. A reshaped constant becomes an input of the new shape, because
 * ONNX Runtime copies an input to reshape it.
 */
export function constantsAsInputs(outputs: Graph): { readonly graph: Graph; readonly fed: Arrays } {
  const order = topological<Lowered>(Object.values(outputs));
  const replacements = new Map<Lowered, Lowered>();
  const fed: Record<string, NdArray> = {};
  for (const node of order) {
    const source = withoutReshape(node);
    if (!isLowered(source, "Constant") || elementCount(node.shape) <= SMALL) continue;
    const name = `constant:${replacements.size}`;
    fed[name] = { ...source.attrs.array, shape: node.shape };
    replacements.set(node, inputLike(node, name));
  }
  const graph = replaceNodes(outputs, replacements, order);
  const names = topological<Lowered>(Object.values(graph)).flatMap((node) =>
    isLowered(node, "Input") && node.attrs.name in fed ? [node.attrs.name] : [],
  );
  return { graph, fed: Object.fromEntries(names.map((name) => [name, fed[name]])) };
}

/** Outputs that share computed nodes. */
interface Group {
  readonly names: Set<string>;
  readonly nodes: Set<Lowered>;
}

/** Groups outputs so that no node is computed in two groups. */
function connectedGroups(outputs: Graph): Group[] {
  const groups: Group[] = [];
  const groupOf = new Map<Lowered, Group>();
  for (const [name, output] of Object.entries(outputs)) {
    const nodes = topological<Lowered>([output]).filter(({ inputs }) => inputs.length > 0);
    const overlapping = new Set(nodes.flatMap((node) => groupOf.get(node) ?? []));
    const group: Group = { names: new Set([name]), nodes: new Set(nodes) };
    for (const other of overlapping) {
      for (const otherName of other.names) group.names.add(otherName);
      for (const node of other.nodes) group.nodes.add(node);
      groups.splice(groups.indexOf(other), 1);
    }
    groups.push(group);
    for (const node of group.nodes) groupOf.set(node, group);
  }
  return groups;
}

/**
 * Partitions a graph into parts without common computations. The outputs of a part take about `bytes` of memory at four
 * bytes per element, or more if they share computations.
 */
export function partition(outputs: Graph, bytes: number): Graph[] {
  const parts: Record<string, Lowered>[] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const { names } of connectedGroups(outputs)) {
    const group = Object.fromEntries([...names].map((name) => [name, outputs[name]]));
    const size = 4 * Object.values(group).reduce((sum, { shape }) => sum + elementCount(shape), 0);
    if (used + size > bytes) {
      parts.push({});
      used = 0;
    }
    Object.assign(parts[parts.length - 1], group);
    used += size;
  }
  return parts;
}

/** A function that lists the nodes that read a value. */
export function readersOf(outputs: Graph): (value: Lowered) => readonly Lowered[] {
  const readers = new Map<Lowered, Lowered[]>();
  for (const node of topological<Lowered>(Object.values(outputs)))
    for (const x of node.inputs) {
      const found = readers.get(x);
      if (found === undefined) readers.set(x, [node]);
      else found.push(node);
    }
  return (value) => readers.get(value) ?? [];
}
