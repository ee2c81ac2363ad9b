// Shares the arrays that programs prepare from constants: weights in the order in which convolutions read them. Programs of
// one network differ in batch size and loss, and would otherwise prepare and hold these arrays once each.

import { elementCount, type NdArray } from "../../math/tensor.ts";
import { isLowered, type Lowered } from "../graph/lowered.ts";
import { topological } from "../graph/value.ts";

/** Constants of up to this many elements are compared by value, longer ones by identity. */
const MAX_SHORT = 4096;

const ids = new WeakMap<object, number>();
let count = 0;

/** A number for the memory of an array, the same as long as the array lives. */
function idOf({ data }: NdArray): number {
  const id = ids.get(data) ?? count++;
  ids.set(data, id);
  return id;
}

/** Text that distinguishes all numbers, −0 from 0 as well. */
const textOf = ({ data }: NdArray): string =>
  Array.from(data as ArrayLike<number | bigint>, (v) => (Object.is(v, -0) ? "-0" : `${v}`)).join();

/** The key of an attribute's value; JSON would write ±∞ and NaN as null. */
const attribute = (_: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isFinite(value) ? String(value) : value;

/**
 * Text that identifies the computation of a node that depends on constants alone: operators with their attributes and
 * shapes, and constants.
 */
export function computationKey(node: Lowered): string {
  const places = new Map<Lowered, number>();
  const lines: string[] = [];
  for (const one of topological<Lowered>([node])) {
    const { op, dtype, shape } = one;
    const inputs = one.inputs.map((input) => places.get(input));
    places.set(one, lines.length);
    if (isLowered(one, "Constant")) {
      const { array } = one.attrs;
      const isShort = elementCount(shape) <= MAX_SHORT;
      lines.push(`${dtype}[${shape}]${isShort ? textOf(array) : `#${idOf(array)}`}`);
    } else lines.push(`${op}(${inputs})${JSON.stringify(one.attrs, attribute)}${dtype}[${shape}]`);
  }
  return lines.join("\n");
}

/** A prepared array. Without users it stays until the garbage collector needs its memory. */
interface Entry {
  readonly weak: WeakRef<NdArray>;
  /** The array while programs use it. */
  held: NdArray | null;
  users: number;
}

/** Arrays by the key of their computation. An array lives at least until the last program that uses it is released. */
export class PreparedArrays {
  readonly #entries = new Map<string, Entry>();

  /** The arrays of one program. */
  use(): UsedArrays {
    for (const [key, { weak }] of this.#entries)
      if (weak.deref() === undefined) this.#entries.delete(key);
    return new UsedArrays(this.#entries);
  }

  /** Number of arrays that programs use. */
  get size(): number {
    return [...this.#entries.values()].filter(({ users }) => users > 0).length;
  }
}

/** The arrays that one program uses. */
export class UsedArrays {
  readonly #entries: Map<string, Entry>;
  readonly #used = new Map<string, Entry>();

  constructor(entries: Map<string, Entry>) {
    this.#entries = entries;
  }

  /** The array of a computation if any program has prepared it. It stays until `release`. */
  find(key: string): NdArray | undefined {
    const entry = this.#entries.get(key);
    const array = entry?.weak.deref();
    if (entry === undefined || array === undefined) return undefined;
    if (!this.#used.has(key)) entry.users++;
    this.#used.set(key, entry);
    entry.held = array;
    return array;
  }

  /** Adds a prepared array. Returns it, or an equal one that another program has added meanwhile. */
  add(key: string, array: NdArray): NdArray {
    const found = this.find(key);
    if (found !== undefined) return found;
    this.#entries.set(key, { weak: new WeakRef(array), held: null, users: 0 });
    return this.find(key) ?? array;
  }

  release(): void {
    for (const entry of this.#used.values()) if (--entry.users === 0) entry.held = null;
    this.#used.clear();
  }
}
