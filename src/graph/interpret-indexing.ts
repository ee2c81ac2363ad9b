import { type NdArray, type Shape, sizeOf } from "../math/tensor.ts";
import { fill, flat, reader, strided, stridesOf } from "./interpret-arrays.ts";

/** Slices of x along `axis`: the runs of memory after that axis are copied whole. */
export function gather(x: NdArray, indices: NdArray, axis: number): NdArray {
  const length = x.shape[axis];
  const inner = sizeOf(x.shape.slice(axis + 1));
  const outer = sizeOf(x.shape.slice(0, axis));
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const count = indices.data.length;
  const result = strided(x, [0], [1]); // of the same dtype
  const data = new (result.data.constructor as Float32ArrayConstructor)(sizeOf(shape));
  const from = x.data as Float32Array;
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < count; i++) {
      const start = (o * length + Number(indices.data[i])) * inner;
      data.set(from.subarray(start, start + inner), (o * count + i) * inner);
    }
  return { ...result, shape, data } as NdArray;
}

export function gatherElements(x: NdArray, indices: NdArray, axis: number): NdArray {
  const read = reader(x);
  const index = reader(indices);
  return fill(x.dtype, indices.shape, (at) => read(at.with(axis, index(at))));
}

export function scatterAdd(
  updates: NdArray,
  indices: NdArray,
  axis: number,
  shape: Shape,
): NdArray {
  const total = new Float64Array(sizeOf(shape));
  const strides = stridesOf(shape);
  const update = reader(updates);
  const index = reader(indices);
  fill("float64", indices.shape, (at) => {
    const to = at.with(axis, index(at));
    total[to.reduce((sum, n, i) => sum + n * strides[i], 0)] += update(at);
    return 0;
  });
  return flat(updates.dtype, shape, (i) => total[i]);
}

/** The numbers of x along `axis` through a place. */
function line(x: NdArray, axis: number): (at: readonly number[]) => number[] {
  const read = reader(x);
  return (at) => Array.from({ length: x.shape[axis] }, (_, i) => read(at.with(axis, i)));
}

export function argMax(x: NdArray, axis: number): NdArray {
  const along = line(x, axis);
  return fill("int64", x.shape.with(axis, 1), (at) => {
    const numbers = along(at);
    return numbers.indexOf(Math.max(...numbers));
  });
}

export function topKIndices(
  x: NdArray,
  { axis, k, largest }: { readonly axis: number; readonly k: number; readonly largest: boolean },
): NdArray {
  const along = line(x, axis);
  return fill("int64", x.shape.with(axis, k), (at) => {
    const numbers = along(at);
    const order = numbers.map((_, i) => i);
    order.sort((a, b) => (largest ? numbers[b] - numbers[a] : numbers[a] - numbers[b]));
    return order[at[axis]];
  });
}
