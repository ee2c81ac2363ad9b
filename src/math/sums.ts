// Sums of many float32 arrays, in WebAssembly four numbers at a time: JavaScript takes 4 ns for each.

import {
  addresses,
  type Code,
  get,
  load,
  machines,
  op,
  repeat,
  set,
  store,
  upperFloats,
} from "./assembly.ts";
import { increase } from "./tensor.ts";

const { add, fromFloats } = op.f64;

/** `increase(sums, row, quads)`: double += single. */
function increaseDouble(): Code {
  const [sums, row, quads, four] = [0, 1, 2, 3];
  return repeat(
    quads,
    [
      [sums, 32],
      [row, 16],
    ],
    [
      ...get(row),
      ...load(),
      ...set(four),
      ...get(sums),
      ...get(sums),
      ...load(),
      ...get(four),
      ...fromFloats,
      ...add,
      ...store(),
      ...get(sums),
      ...get(sums),
      ...load(16),
      ...upperFloats(four),
      ...add,
      ...store(16),
    ],
  );
}

/** `add(x, y, quads)`: single x += y. */
function increaseSingle(): Code {
  const [x, y, quads] = [0, 1, 2];
  return repeat(
    quads,
    [
      [x, 16],
      [y, 16],
    ],
    [...get(x), ...get(x), ...load(), ...get(y), ...load(), ...op.f32.add, ...store()],
  );
}

/** Makes memory with both loops in WebAssembly; null where that is not to be had. */
export const adders = machines(() => ({
  double: { parameters: addresses(3), results: [], vectors: 1, code: increaseDouble() },
  single: { parameters: addresses(3), results: [], vectors: 0, code: increaseSingle() },
}));
type Machine = NonNullable<ReturnType<typeof adders>>;

/** Numbers from which on WebAssembly's own memory is worth it. */
const MIN_VECTORISED = 4096;

/** Numbers that are brought there at a time. */
const PART = 4096;

/** Bytes up to which memory is kept for the next sums; larger ones are JavaScript's. */
const MAX_BYTES = 2 ** 26;

/** Sums in double precision of equally long rows, zeros at first. */
export interface Sums {
  /** Adds to row `place`. */
  add(place: number, row: Float32Array): void;
  /** All rows over `divisor`, rounded to float32. Nothing is added after that. */
  over(divisor: number): Float32Array;
}

/** Memory that nobody uses now: WebAssembly's is dear to make. */
const idle: Machine[] = [];

function machineWith(bytes: number): Machine | null {
  const found = idle.findIndex(({ buffer }) => buffer.byteLength >= bytes);
  return found >= 0 ? idle.splice(found, 1)[0] : adders(bytes);
}

/** Sums of `count` rows of `size` numbers, in WebAssembly if it is to be had and `fast` is not false. */
export function sumsOf(count: number, size: number, fast = true): Sums {
  const length = count * size;
  const bytes = 8 * length + 4 * PART;
  const many = length >= MIN_VECTORISED && size % 4 === 0 && bytes <= MAX_BYTES;
  const machine = fast && many ? machineWith(bytes) : null;
  if (machine === null) return loops(new Float64Array(length), size);
  const sums = new Float64Array(machine.buffer, 0, length).fill(0);
  const part = new Float32Array(machine.buffer, 8 * length, PART);
  const { over } = loops(sums, size);
  return {
    add(place, row) {
      for (let from = 0; from < row.length; from += PART) {
        const some = row.subarray(from, from + PART);
        part.set(some);
        machine.run.double(8 * (place * size + from), 8 * length, some.length / 4);
      }
    },
    over(divisor) {
      const means = over(divisor);
      idle.push(machine);
      return means;
    },
  };
}

/** x += y, element by element, rounded to float32: `increase` for arrays of many numbers. */
export function increaseMany(x: Float32Array, y: Float32Array): void {
  const machine = x.length >= MIN_VECTORISED ? machineWith(8 * PART) : null;
  if (machine === null) {
    increase(x, y);
    return;
  }
  const [to, from] = [0, 4 * PART].map((at) => new Float32Array(machine.buffer, at, PART));
  for (let start = 0; start < x.length; start += PART) {
    const some = x.subarray(start, start + PART);
    to.set(some);
    from.set(y.subarray(start, start + PART));
    machine.run.single(0, 4 * PART, Math.ceil(some.length / 4));
    some.set(to.subarray(0, some.length));
  }
  idle.push(machine);
}

/** The same in JavaScript. A callback per number would take longer than a small network's gradient. */
const loops = (sums: Float64Array, size: number): Sums => ({
  add(place, row) {
    for (let i = 0; i < size; i++) sums[place * size + i] += row[i];
  },
  over(divisor) {
    const means = new Float32Array(sums.length);
    for (let i = 0; i < means.length; i++) means[i] = sums[i] / divisor;
    return means;
  },
});
