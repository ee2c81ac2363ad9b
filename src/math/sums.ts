// Sums of many float32 arrays, four elements at a time in WebAssembly (assembly/sums.ts). JavaScript takes 4 ns per element.

import { wasm } from "./sums.wasm.ts";
import { addInPlace } from "./tensor.ts";
import { type Instance, instances } from "./wasm.ts";

interface Kernels {
  /** Adds 4 · quads float32 elements to doubles. */
  double(sums: number, row: number, quads: number): void;
  /** x += y for 4 · quads float32 elements. */
  single(x: number, y: number, quads: number): void;
}

/** Instantiates both loops with at least `bytes` of memory; null without SIMD. */
export const adders = instances<Kernels>(wasm);

/** Number of elements from which on copying into WebAssembly's memory pays off. */
const MIN_VECTORISED = 4096;

/** Number of elements copied at a time. */
const PART = 4096;

/** Size of sums, in bytes, up to which WebAssembly is used. Its memory is never freed. */
const MAX_BYTES = 2 ** 26;

/** Sums of float32 rows in double precision: `count` rows of `size` elements, initially zeros. */
export interface Sums {
  /** Adds `row` to the sum with this index. */
  add(index: number, row: Float32Array): void;
  /** All sums divided by `divisor`, rounded to float32. Call it once, after the last `add`. */
  over(divisor: number): Float32Array;
}

/** Instances that are not in use. Making one is expensive. */
const idle: Instance<Kernels>[] = [];

function instanceWith(bytes: number): Instance<Kernels> | null {
  const found = idle.findIndex(({ buffer }) => buffer.byteLength >= bytes);
  return found >= 0 ? idle.splice(found, 1)[0] : adders(bytes);
}

/** Sums of `count` rows of `size` elements, in WebAssembly if `simd` is true and it pays off; the bits are the same. */
export function sumsOf(count: number, size: number, { simd = true } = {}): Sums {
  const length = count * size;
  const bytes = 8 * length + 4 * PART;
  const paysOff = length >= MIN_VECTORISED && size % 4 === 0 && bytes <= MAX_BYTES;
  const instance = simd && paysOff ? instanceWith(bytes) : null;
  if (instance === null) return loops(new Float64Array(length), size);
  const sums = new Float64Array(instance.buffer, 0, length).fill(0);
  const part = new Float32Array(instance.buffer, 8 * length, PART);
  const { over } = loops(sums, size);
  return {
    add(index, row) {
      for (let from = 0; from < row.length; from += PART) {
        const chunk = row.subarray(from, from + PART);
        part.set(chunk);
        instance.run.double(8 * (index * size + from), 8 * length, chunk.length / 4);
      }
    },
    over(divisor) {
      const means = over(divisor);
      idle.push(instance);
      return means;
    },
  };
}

/** x += y, element by element, rounded to float32: `addInPlace` for large arrays, with the same bits. */
export function increaseMany(x: Float32Array, y: Float32Array): void {
  const instance = x.length >= MIN_VECTORISED ? instanceWith(8 * PART) : null;
  if (instance === null) {
    addInPlace(x, y);
    return;
  }
  const [to, from] = [0, 4 * PART].map((at) => new Float32Array(instance.buffer, at, PART));
  for (let start = 0; start < x.length; start += PART) {
    const chunk = x.subarray(start, start + PART);
    to.set(chunk);
    from.set(y.subarray(start, start + PART));
    instance.run.single(0, 4 * PART, Math.ceil(chunk.length / 4));
    chunk.set(to.subarray(0, chunk.length));
  }
  idle.push(instance);
}

/** Sums in JavaScript. A callback per element would take longer than the gradient of a small network. */
const loops = (sums: Float64Array, size: number): Sums => ({
  add(index, row) {
    for (let i = 0; i < size; i++) sums[index * size + i] += row[i];
  },
  over(divisor) {
    const means = new Float32Array(sums.length);
    for (let i = 0; i < means.length; i++) means[i] = sums[i] / divisor;
    return means;
  },
});
