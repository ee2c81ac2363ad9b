// Access to arrays by element and by axis, for the reference interpreter.

import { type DType, elementCount, type NdArray, type Shape, zeros } from "../../math/tensor.ts";

/** Row-major strides in elements: the distance in memory between neighbours along each axis. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** An array of `shape` whose element at a multi-index is at(index). Calls `at` in row-major order, with one reused array. */
export function fill(
  dtype: DType,
  shape: Shape,
  at: (index: readonly number[]) => number,
): NdArray {
  const { data } = zeros(dtype, shape);
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    const value = at(index);
    data[i] = dtype === "int64" ? BigInt(value) : value;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--)
      index[axis] = 0;
  }
  return { dtype, shape, data } as NdArray;
}

/** A function that reads x at a multi-index. */
export function reader(x: NdArray): (index: readonly number[]) => number {
  const strides = stridesOf(x.shape);
  return (index) => {
    let offset = 0;
    for (let axis = 0; axis < strides.length; axis++) offset += index[axis] * strides[axis];
    return Number(x.data[offset]);
  };
}

/** Merges neighbouring axes that lie contiguously in the source, and drops axes of length 1. */
function merged(
  shape: Shape,
  strides: readonly number[],
): { readonly shape: number[]; readonly strides: number[] } {
  const out = { shape: [] as number[], strides: [] as number[] };
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] === 1) continue;
    if (out.shape.length > 0 && strides[axis] === out.strides[0] * out.shape[0]) {
      out.shape[0] *= shape[axis];
      continue;
    }
    out.shape.unshift(shape[axis]);
    out.strides.unshift(strides[axis]);
  }
  return out;
}

/** Elements of 4, 1 or 8 bytes as plain bits: a loop that sees few kinds of typed arrays stays fast. */
type Bits = Uint32Array | Uint8Array | BigInt64Array;

const bitsOf = (data: NdArray["data"]): Bits => {
  const { buffer, byteOffset, length } = data;
  if (data.BYTES_PER_ELEMENT === 4) return new Uint32Array(buffer, byteOffset, length);
  return data.BYTES_PER_ELEMENT === 1
    ? new Uint8Array(buffer, byteOffset, length)
    : new BigInt64Array(buffer, byteOffset, length);
};

/** Side of the tiles in which a transposition reads and writes, so that both stay in the cache. */
const TILE = 32;

/** Copies a strided view of `from` into `to` in row-major order, the last two axes in tiles. */
function copyStrided<T extends Bits>(
  from: T,
  to: T,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
): void {
  const rank = shape.length;
  const [rows, columns] = [rank < 2 ? 1 : shape[rank - 2], rank < 1 ? 1 : shape[rank - 1]];
  const [down, along] = [rank < 2 ? 0 : strides[rank - 2], rank < 1 ? 0 : strides[rank - 1]];
  const index = new Array<number>(Math.max(rank - 2, 0)).fill(0);
  let start = offset;
  for (let out = 0; out < to.length; out += rows * columns) {
    if (along === 1 && columns >= TILE)
      for (let i = 0; i < rows; i++) {
        const at = start + i * down;
        (to as Uint8Array).set(from.subarray(at, at + columns) as Uint8Array, out + i * columns);
      }
    else
      for (let top = 0; top < rows; top += TILE)
        for (let left = 0; left < columns; left += TILE) {
          const [bottom, right] = [Math.min(top + TILE, rows), Math.min(left + TILE, columns)];
          for (let i = top; i < bottom; i++) {
            const [line, row] = [start + i * down, out + i * columns];
            for (let j = left; j < right; j++) to[row + j] = from[line + j * along];
          }
        }
    for (let axis = rank - 3; axis >= 0; axis--) {
      start += strides[axis];
      if (++index[axis] < shape[axis]) break;
      start -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

/** A strided view of x, copied into row-major order. `strides` and `offset` are in elements. */
export function strided(x: NdArray, shape: Shape, strides: readonly number[], offset = 0): NdArray {
  const { data } = zeros(x.dtype, shape);
  const walk = merged(shape, strides);
  copyStrided(bitsOf(x.data), bitsOf(data), walk.shape, walk.strides, offset);
  return { dtype: x.dtype, shape, data } as NdArray;
}

/** x broadcast to `shape`. */
export function broadcastTo(x: NdArray, shape: Shape): NdArray {
  if (x.shape.length === shape.length && elementCount(x.shape) === elementCount(shape)) return x;
  const strides = stridesOf(x.shape).map((stride, axis) => (x.shape[axis] === 1 ? 0 : stride));
  return strided(x, shape, [...new Array(shape.length - strides.length).fill(0), ...strides]);
}

/** An array of `shape` whose i-th element in row-major order is at(i). */
export function flat(dtype: DType, shape: Shape, at: (i: number) => number): NdArray {
  const { data } = zeros(dtype, shape);
  // One loop per kind of typed array: a loop that sees several kinds is many times slower.
  if (data instanceof Float32Array) for (let i = 0; i < data.length; i++) data[i] = at(i);
  else if (data instanceof BigInt64Array)
    for (let i = 0; i < data.length; i++) data[i] = BigInt(at(i));
  else for (let i = 0; i < data.length; i++) data[i] = at(i);
  return { dtype, shape, data } as NdArray;
}

/** The lines of an array along one axis: index of the first element, and distance between elements. */
export function* linesOf(
  shape: Shape,
  axis: number,
): Generator<readonly [start: number, step: number]> {
  const step = elementCount(shape.slice(axis + 1));
  const outer = elementCount(shape.slice(0, axis));
  for (let i = 0; i < outer; i++)
    for (let j = 0; j < step; j++) yield [i * shape[axis] * step + j, step];
}
