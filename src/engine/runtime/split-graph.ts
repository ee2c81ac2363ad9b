// What does not change from run to run is computed once: weights in the order that convolutions read them, scales of frozen
// batch norms folded into them.

import { type NdArray, sizeOf } from "../../math/tensor.ts";
import { isLowered, type Lowered, type LoweredOp } from "../graph/lowered.ts";
import { topological } from "../graph/value.ts";
import type { Arrays } from "./runtime.ts";

type Graph = Readonly<Record<string, Lowered>>;

/** A graph in two parts, the first of which is run when a fixed input changes. */
export interface Split {
  /** What the main part takes from the first, by the name of the input that it is there. */
  readonly prepared: Graph;
  /** The rest, given arrays of `prepared`; those in `constants` are known for good. */
  main(constants: Readonly<Record<string, Lowered>>): Graph;
}

/** Stands before the names of prepared arrays. */
const PREPARED = "prepared:";

/** Operators that the runtime can run faster with constants (it packs them) than with fed arrays. */
const PACKED: ReadonlySet<LoweredOp> = new Set([
  "Conv",
  "FusedConv",
  "ConvTranspose",
  "MatMul",
  "FusedMatMul",
]);

/** Elements of an array that is no burden as a constant. */
const SMALL = 1024;

/** Whether the runtime should see an array as a constant, if it is one: it is small, or read by what packs it. */
export const better = (readers: readonly Lowered[], { shape }: Lowered): boolean =>
  sizeOf(shape) <= SMALL || readers.some(({ op }) => PACKED.has(op));

/** Splits a graph by what depends on inputs that change from run to run. */
export function split(outputs: Graph, isFixed: (name: string) => boolean): Split {
  const order = topological<Lowered>(Object.values(outputs));
  const changes = new Set<Lowered>();
  for (const node of order)
    if (
      isLowered(node, "Input") ? !isFixed(node.attrs.name) : node.inputs.some((x) => changes.has(x))
    )
      changes.add(node);
  const border = new Map<Lowered, string>();
  const take = (node: Lowered) => {
    const computed = node.inputs.length > 0 && !changes.has(node);
    if (computed && !border.has(node)) border.set(node, `${PREPARED}${border.size}`);
  };
  for (const node of order) if (changes.has(node)) node.inputs.forEach(take);
  Object.values(outputs).forEach(take);

  return {
    prepared: Object.fromEntries([...border].map(([node, name]) => [name, node])),
    main(constants) {
      const now = new Map<Lowered, Lowered>();
      for (const [node, name] of border) now.set(node, constants[name] ?? inputOf(node, name));
      return replaced(
        outputs,
        now,
        order.filter((node) => changes.has(node)),
      );
    },
  };
}

/** An input in the place of a node. */
const inputOf = ({ dtype, shape }: Lowered, name: string): Lowered => ({
  op: "Input",
  inputs: [],
  attrs: { name },
  dtype,
  shape,
});

/** The graph with other nodes in the place of those in `now`; `order` has all that may change. */
function replaced(outputs: Graph, now: Map<Lowered, Lowered>, order: readonly Lowered[]): Graph {
  for (const node of order) {
    if (now.has(node)) continue;
    const inputs = node.inputs.map((x) => now.get(x) ?? x);
    if (inputs.some((x, i) => x !== node.inputs[i])) now.set(node, { ...node, inputs });
  }
  return Object.fromEntries(
    Object.entries(outputs).map(([name, node]) => [name, now.get(node) ?? node]),
  );
}

/**
 * The graph with its large constants as inputs, and their arrays by name. A runtime copies constants several times when a
 * program is opened, and computes with them there; inputs it reads where they lie.
 */
export function fedConstants(outputs: Graph): { readonly graph: Graph; readonly fed: Arrays } {
  const order = topological<Lowered>(Object.values(outputs));
  const now = new Map<Lowered, Lowered>();
  const fed: Record<string, NdArray> = {};
  for (const node of order)
    if (isLowered(node, "Constant") && sizeOf(node.shape) > SMALL) {
      const name = `constant:${now.size}`;
      fed[name] = node.attrs.array;
      now.set(node, inputOf(node, name));
    }
  return { graph: replaced(outputs, now, order), fed };
}

/**
 * The graph in parts that have no computation in common, to be run one after the other: each gives arrays of about `bytes`
 * together, more where more hangs together.
 */
export function parts(outputs: Graph, bytes: number): Graph[] {
  const groups: { names: Set<string>; readonly nodes: Set<Lowered> }[] = [];
  const groupOf = new Map<Lowered, (typeof groups)[number]>();
  for (const [name, output] of Object.entries(outputs)) {
    const nodes = topological<Lowered>([output]).filter(({ inputs }) => inputs.length > 0);
    const met = new Set(nodes.flatMap((node) => groupOf.get(node) ?? []));
    const group = { names: new Set([name]), nodes: new Set(nodes) };
    for (const one of met) {
      for (const other of one.names) group.names.add(other);
      for (const node of one.nodes) group.nodes.add(node);
      groups.splice(groups.indexOf(one), 1);
    }
    groups.push(group);
    for (const node of group.nodes) groupOf.set(node, group);
  }
  const found: Record<string, Lowered>[] = [];
  let held = Number.POSITIVE_INFINITY;
  for (const { names } of groups) {
    const own = Object.fromEntries([...names].map((name) => [name, outputs[name]]));
    const size = 4 * Object.values(own).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    if (held + size > bytes) {
      found.push({});
      held = 0;
    }
    Object.assign(found[found.length - 1], own);
    held += size;
  }
  return found;
}

/** Which nodes read each of the prepared values. */
export function readersOf(outputs: Graph): (value: Lowered) => readonly Lowered[] {
  const readers = new Map<Lowered, Lowered[]>();
  for (const node of topological<Lowered>(Object.values(outputs)))
    for (const x of node.inputs) {
      const known = readers.get(x);
      if (known === undefined) readers.set(x, [node]);
      else known.push(node);
    }
  return (value) => readers.get(value) ?? [];
}
