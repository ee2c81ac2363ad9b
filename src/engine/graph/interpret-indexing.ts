import { elementCount, type NdArray, type Shape, zeros } from "../../math/tensor.ts";
import { fill, flat, linesOf, reader, stridesOf } from "./interpret-arrays.ts";

/** The slices of x along `axis` at `indices`, whose axes replace `axis`. */
export function gather(x: NdArray, indices: NdArray, axis: number): NdArray {
  const length = x.shape[axis];
  const inner = elementCount(x.shape.slice(axis + 1));
  const outer = elementCount(x.shape.slice(0, axis));
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const count = indices.data.length;
  const data = zeros(x.dtype, shape).data as Float32Array;
  const from = x.data as Float32Array;
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < count; i++) {
      const start = (o * length + Number(indices.data[i])) * inner;
      data.set(from.subarray(start, start + inner), (o * count + i) * inner);
    }
  return { dtype: x.dtype, shape, data } as NdArray;
}

/** y of the shape of `indices` with y[i, j] = x[i, indices[i, j]], here for `axis` 1 of two. */
export function gatherElements(x: NdArray, indices: NdArray, axis: number): NdArray {
  const read = reader(x);
  const index = reader(indices);
  return fill(x.dtype, indices.shape, (at) => read(at.with(axis, index(at))));
}

/** Zeros of `shape`, each update added at its index along `axis`. Sums in float64. */
export function scatterAdd(
  updates: NdArray,
  indices: NdArray,
  axis: number,
  shape: Shape,
): NdArray {
  const total = new Float64Array(elementCount(shape));
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

/** Index of the largest number, the first on a tie; −1 if a number is NaN or there is none. */
function indexOfLargest(numbers: ArrayLike<number>): number {
  let best = 0;
  for (let i = 0; i < numbers.length; i++) {
    if (Number.isNaN(numbers[i])) return -1;
    if (numbers[i] > numbers[best]) best = i;
  }
  return numbers.length === 0 ? -1 : best;
}

/** Replaces each line of x along `axis` by the first `length` integers that `indicesOf` returns for it; int64. */
function perLine(
  x: NdArray,
  axis: number,
  length: number,
  indicesOf: (numbers: Float64Array) => ArrayLike<number>,
): NdArray {
  const shape = x.shape.with(axis, length);
  const data = new BigInt64Array(elementCount(shape));
  const numbers = new Float64Array(x.shape[axis]);
  const outputLines = linesOf(shape, axis);
  for (const [start, step] of linesOf(x.shape, axis)) {
    for (let i = 0; i < numbers.length; i++) numbers[i] = Number(x.data[start + i * step]);
    const indices = indicesOf(numbers);
    const [outStart, outStep] = outputLines.next().value as readonly [number, number];
    for (let i = 0; i < length; i++) data[outStart + i * outStep] = BigInt(indices[i]);
  }
  return { dtype: "int64", shape, data };
}

/** Index of the largest element along `axis`, the first on a tie; −1 if there is a NaN. The axis stays, with length 1. */
export const argMax = (x: NdArray, axis: number): NdArray =>
  perLine(x, axis, 1, (numbers) => [indexOfLargest(numbers)]);

/** Indices of the k largest (smallest) elements along `axis` in descending (ascending) order. */
export const topKIndices = (
  x: NdArray,
  { axis, k, largest }: { readonly axis: number; readonly k: number; readonly largest: boolean },
): NdArray =>
  perLine(x, axis, k, (numbers) => {
    const order = Int32Array.from(numbers, (_, i) => i);
    return order.sort((a, b) => (largest ? numbers[b] - numbers[a] : numbers[a] - numbers[b]));
  });
