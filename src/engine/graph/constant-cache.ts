// Caches values that depend on no input, across graphs. A cached value lives as long as the arrays that it was computed from.

import { elementCount, type NdArray } from "../../math/tensor.ts";
import { evaluateNode } from "./interpret.ts";
import { is, type Value } from "./value.ts";

/** Arrays of up to this many elements are compared by value, longer ones by identity. */
const MAX_SHORT = 16;

/** A node of a trie over the long inputs of operators, in order. */
interface Entry {
  /** Values computed from exactly these long arrays, by `keyOf`. */
  readonly results: Map<string, NdArray>;
  /** Entries with one more long array. Weak: an entry is collected with its array. */
  readonly next: WeakMap<NdArray, Entry>;
}

const emptyEntry = (): Entry => ({ results: new Map(), next: new WeakMap() });
const root = emptyEntry();

const isLong = ({ shape }: NdArray) => elementCount(shape) > MAX_SHORT;

function entryFor(longArrays: readonly NdArray[]): Entry {
  let entry = root;
  for (const array of longArrays) {
    const next = entry.next.get(array) ?? emptyEntry();
    entry.next.set(array, next);
    entry = next;
  }
  return entry;
}

/** A short array as text that distinguishes −0 from 0. */
const textOf = ({ dtype, shape, data }: NdArray): string =>
  `${dtype}[${shape}]:${Array.from(data as ArrayLike<number>, (v) => (Object.is(v, -0) ? "-0" : String(v)))}`;

/** Text that identifies an operator with its attributes and short inputs. JSON would write ±∞ and NaN as null. */
const keyOf = ({ op, attrs, dtype, shape }: Value, inputs: readonly NdArray[]): string =>
  `${op} ${dtype}[${shape}] ${JSON.stringify(attrs, (_, v) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v))} ${inputs.map((x) => (isLong(x) ? "…" : textOf(x)))}`;

/** The value of a node, given the values of its inputs; cached. */
export function constantValue(node: Value, inputs: readonly NdArray[]): NdArray {
  const longArrays = inputs.filter(isLong);
  if (longArrays.length === 0 || is(node, "Constant")) return evaluateNode(node, inputs);
  const { results } = entryFor(longArrays);
  const key = keyOf(node, inputs);
  const cached = results.get(key);
  if (cached !== undefined) return cached;
  const value = evaluateNode(node, inputs);
  results.set(key, value);
  // Transposing the result back, as gradients do, returns the original array.
  if (is(node, "Transpose")) {
    const { perm } = node.attrs;
    const [x] = inputs;
    const inverse = perm.map((_, axis) => perm.indexOf(axis));
    const back = { ...node, attrs: { perm: inverse }, shape: x.shape } as Value;
    if (isLong(value)) entryFor([value]).results.set(keyOf(back, [value]), x);
  }
  return value;
}
