// What does not change from run to run is computed once: weights in the order that convolutions read them, scales of frozen
// batch norms folded into them.

import { isLowered, type Lowered, type LoweredOp } from "../graph/lowered.ts";
import { topological } from "../graph/value.ts";
import { sizeOf } from "../math/tensor.ts";

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

/** Whether the runtime should see an array as a constant, if it is one: it is small, or read by what packs it. */
export const better = (readers: readonly Lowered[], { shape }: Lowered): boolean =>
  sizeOf(shape) <= 1024 || readers.some(({ op }) => PACKED.has(op));

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
      for (const [node, name] of border) {
        const fed = { ...node, op: "Input", inputs: [], attrs: { name } } as Lowered;
        now.set(node, constants[name] ?? fed);
      }
      for (const node of order) {
        if (now.has(node) || !changes.has(node)) continue;
        const inputs = node.inputs.map((x) => now.get(x) ?? x);
        now.set(node, inputs.some((x, i) => x !== node.inputs[i]) ? { ...node, inputs } : node);
      }
      return Object.fromEntries(
        Object.entries(outputs).map(([name, node]) => [name, now.get(node) ?? node]),
      );
    },
  };
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
