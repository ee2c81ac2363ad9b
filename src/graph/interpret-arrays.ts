// Arrays by element and by axis, for the reference interpreter.

import { type DType, type NdArray, type Shape, type Storage, sizeOf } from "../math/tensor.ts";

const ARRAYS: { readonly [D in DType]: new (size: number) => Storage[D] } = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  bool: Uint8Array,
  uint8: Uint8Array,
};

/** The distance in memory between neighbours along each axis. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Fills an array of `shape`: `at` gets the multi-index of each element in row-major order. */
export function fill(
  dtype: DType,
  shape: Shape,
  at: (index: readonly number[]) => number,
): NdArray {
  const data = new ARRAYS[dtype](sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    const value = at(index);
    data[i] = dtype === "int64" ? BigInt(value) : value;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--)
      index[axis] = 0;
  }
  return { dtype, shape, data } as NdArray;
}

/** Reads `x` at a multi-index of its own shape. */
export function reader(x: NdArray): (index: readonly number[]) => number {
  const strides = stridesOf(x.shape);
  return (index) => {
    let offset = 0;
    for (let axis = 0; axis < strides.length; axis++) offset += index[axis] * strides[axis];
    return Number(x.data[offset]);
  };
}

/** The view of `x` with these strides (in elements) from `offset`, copied into row-major order. */
export function strided(x: NdArray, shape: Shape, strides: readonly number[], offset = 0): NdArray {
  const data = new ARRAYS[x.dtype](sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let i = 0; i < data.length; i++) {
    data[i] = x.data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return { dtype: x.dtype, shape, data } as NdArray;
}

/** `x` broadcast to `shape`. */
export function broadcastTo(x: NdArray, shape: Shape): NdArray {
  if (x.shape.length === shape.length && sizeOf(x.shape) === sizeOf(shape)) return x;
  const own = stridesOf(x.shape).map((stride, axis) => (x.shape[axis] === 1 ? 0 : stride));
  return strided(x, shape, [...new Array(shape.length - own.length).fill(0), ...own]);
}

/** An array of `shape` whose i-th element is at(i), in row-major order. */
export function flat(dtype: DType, shape: Shape, at: (i: number) => number): NdArray {
  const data = new ARRAYS[dtype](sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = dtype === "int64" ? BigInt(at(i)) : at(i);
  return { dtype, shape, data } as NdArray;
}
