import { type NdArray, type Shape, sizeOf } from "../../math/tensor.ts";
import { fill, flat, linesOf, reader, strided, stridesOf } from "./interpret-arrays.ts";

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

/** The index of the largest of the numbers, the first one on a tie; −1 where one is NaN, as of none. */
function largestOf(numbers: ArrayLike<number>): number {
  let best = 0;
  for (let i = 0; i < numbers.length; i++) {
    if (Number.isNaN(numbers[i])) return -1;
    if (numbers[i] > numbers[best]) best = i;
  }
  return numbers.length === 0 ? -1 : best;
}

/** For each line of x along `axis` the whole numbers that `of` makes of its numbers, `length` of them. */
function perLine(
  x: NdArray,
  axis: number,
  length: number,
  of: (numbers: Float64Array) => ArrayLike<number>,
): NdArray {
  const shape = x.shape.with(axis, length);
  const data = new BigInt64Array(sizeOf(shape));
  const numbers = new Float64Array(x.shape[axis]);
  const targets = linesOf(shape, axis);
  for (const [start, step] of linesOf(x.shape, axis)) {
    for (let i = 0; i < numbers.length; i++) numbers[i] = Number(x.data[start + i * step]);
    const made = of(numbers);
    const [to, apart] = targets.next().value as readonly [number, number];
    for (let i = 0; i < length; i++) data[to + i * apart] = BigInt(made[i]);
  }
  return { dtype: "int64", shape, data };
}

export const argMax = (x: NdArray, axis: number): NdArray =>
  perLine(x, axis, 1, (numbers) => [largestOf(numbers)]);

export const topKIndices = (
  x: NdArray,
  { axis, k, largest }: { readonly axis: number; readonly k: number; readonly largest: boolean },
): NdArray =>
  perLine(x, axis, k, (numbers) => {
    const order = Int32Array.from(numbers, (_, i) => i);
    return order.sort((a, b) => (largest ? numbers[b] - numbers[a] : numbers[a] - numbers[b]));
  });
