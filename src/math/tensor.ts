import { InternalError } from "./internal-error.ts";

/** The lengths of the axes, outermost first; `[]` for a scalar. */
export type Shape = readonly number[];

/** The element types of graphs, with the names of ONNX's text format. */
export type DType = "float32" | "float64" | "int64" | "int32" | "bool" | "uint8";

/** The typed array for each element type; a `bool` is a byte, 0 or 1. */
export interface Storage {
  float32: Float32Array;
  float64: Float64Array;
  int64: BigInt64Array;
  int32: Int32Array;
  bool: Uint8Array;
  uint8: Uint8Array;
}

/** A dense array in row-major order. Only the code that made an array may write to `data`, and only before it passes the array on. */
export interface NdArray<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
  readonly data: Storage[D];
}

/** A float32 array, such as images, logits, gradients or parameters. Axis 0 of images and logits is the batch. */
export type Tensor = NdArray<"float32">;

/** Whether a value is a list of positive whole numbers: the shape of an array, or [] of a single number. */
export const isShape = (value: unknown): value is Shape =>
  Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length > 0);

/** The number of elements of an array of this shape; 1 for a scalar. */
export const elementCount = (shape: Shape): number =>
  shape.reduce((size, length) => size * length, 1);

const storages: { readonly [D in DType]: new (size: number) => Storage[D] } = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  bool: Uint8Array,
  uint8: Uint8Array,
};

/** An array of zeros. */
export const zeros = (dtype: DType, shape: Shape): NdArray =>
  ({ dtype, shape, data: new storages[dtype](elementCount(shape)) }) as NdArray;

/**
 * A float32 tensor over `data`, or of zeros. Does not copy a Float32Array. Throws if the number of elements is wrong.
 *
 * @example
 * ```ts
 * import { tensor } from "rampart";
 *
 * const x = tensor([1, 1, 2, 2], [0, 0.25, 0.5, 1]); // one grey image of 2 × 2 pixels
 * console.log(x.dtype, x.shape);
 * ```
 */
export function tensor(shape: Shape, data?: ArrayLike<number>): Tensor {
  const size = elementCount(shape);
  if (data !== undefined && data.length !== size)
    throw new Error(`shape [${shape.join(", ")}] holds ${size} numbers, got ${data.length}`);
  if (data === undefined) return { dtype: "float32", shape, data: new Float32Array(size) };
  const array = data instanceof Float32Array ? data : Float32Array.from(data);
  return { dtype: "float32", shape, data: array };
}

/** The number of elements of one row, that is of one example: the product of all axes but axis 0. */
export const rowSize = ({ shape }: { readonly shape: Shape }): number =>
  elementCount(shape.slice(1));

/** Rows `from` to `to` (exclusive) along axis 0, a view of the same memory. */
export function rows(x: Tensor, from: number, to: number): Tensor {
  const row = rowSize(x);
  return tensor([to - from, ...x.shape.slice(1)], x.data.subarray(from * row, to * row));
}

/** A copy of the rows at `indices`, in that order. An index may repeat. */
export function takeRows(x: Tensor, indices: readonly number[]): Tensor {
  const row = rowSize(x);
  const data = new Float32Array(indices.length * row);
  indices.forEach((index, i) => {
    data.set(x.data.subarray(index * row, (index + 1) * row), i * row);
  });
  return tensor([indices.length, ...x.shape.slice(1)], data);
}

/** Joins at least one tensor along axis 0; their other axes must be equal. */
export function concatRows(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (first === undefined) throw new InternalError("no tensors to join");
  const batch = parts.reduce((sum, part) => sum + (part.shape[0] ?? 0), 0);
  const joined = tensor([batch, ...first.shape.slice(1)]);
  let offset = 0;
  for (const part of parts) {
    joined.data.set(part.data, offset);
    offset += part.data.length;
  }
  return joined;
}

/** Whether two shapes have the same axes. */
export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((length, axis) => length === b[axis]);

/** Throws if two tensors have different shapes. */
const checkShapes = (a: Tensor, b: Tensor): void => {
  if (!sameShape(a.shape, b.shape))
    throw new Error(`shapes [${a.shape.join(", ")}] and [${b.shape.join(", ")}] differ`);
};

// Plain loops: attacks run them in every step, and a callback per pixel takes longer than a small network.

/** a + b, element by element, for equal shapes. */
export const add = (a: Tensor, b: Tensor): Tensor => addScaled(a, b, 1);

/** a − b, element by element, for equal shapes. */
export const sub = (a: Tensor, b: Tensor): Tensor => addScaled(a, b, -1);

/** a + scale · b, element by element, for equal shapes; computed in double precision and rounded to float32. */
export function addScaled(a: Tensor, b: Tensor, scale: number): Tensor {
  checkShapes(a, b);
  const [x, y, out] = [a.data, b.data, new Float32Array(a.data.length)];
  for (let i = 0; i < out.length; i++) out[i] = x[i] + scale * y[i];
  return tensor(a.shape, out);
}

/** x += y, element by element, rounded to float32. Modifies x: call it only on an array that no other code has seen. */
export function addInPlace(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] += y[i];
}

/** min(max(x, low), high), element by element; NaN stays NaN. */
export function clamp({ shape, data }: Tensor, low: number, high: number): Tensor {
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = Math.min(Math.max(data[i], low), high);
  return tensor(shape, out);
}

/** `argmax` of each row of [batch, classes]. */
export function argmaxRows(x: Tensor): number[] {
  const row = rowSize(x);
  return Array.from({ length: x.shape[0] ?? 0 }, (_, i) =>
    argmax(x.data.subarray(i * row, (i + 1) * row)),
  );
}

/** The decision if a score is NaN or all are −∞. It equals no label, so it is never right. */
export const NO_CLASS = -1;

/** The index of the largest number, the first on a tie; NO_CLASS if a number is NaN or all are −∞. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) return NO_CLASS;
    if (values[i] > values[best]) best = i;
  }
  return values[best] === Number.NEGATIVE_INFINITY ? NO_CLASS : best;
}
