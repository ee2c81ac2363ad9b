import {
  type SparseTensorProto,
  TensorProto_DataType as T,
  type TensorProto,
  TensorProto_DataLocation,
} from "onnx-buf";
import { type DType, elementCount, type NdArray, type Shape } from "../../math/tensor.ts";
import { UsageError } from "../../math/usage-error.ts";

/** External data files of a model, by their `location` in the model. */
export type External = ReadonlyMap<string, Uint8Array>;

/** Our element type for each ONNX element type: half precision becomes float32, small integers become int32. */
const dtypes: Readonly<Record<number, DType>> = {
  [T.FLOAT]: "float32",
  [T.FLOAT16]: "float32",
  [T.BFLOAT16]: "float32",
  [T.DOUBLE]: "float64",
  [T.BOOL]: "bool",
  [T.UINT8]: "int32",
  [T.INT8]: "int32",
  [T.UINT16]: "int32",
  [T.INT16]: "int32",
  [T.INT32]: "int32",
  [T.UINT4]: "int32",
  [T.INT4]: "int32",
  [T.UINT32]: "int64",
  [T.INT64]: "int64",
  [T.UINT64]: "int64",
};

/** The ONNX name of an element type, in lower case: `float16`. */
export const typeName = (type: number): string => (T[type] ?? `type ${type}`).toLowerCase();

/** Our element type for an ONNX element type. Throws `UsageError` about `subject` if it is not supported. */
export function dtypeOf(type: number, subject: string): DType {
  const dtype = dtypes[type];
  if (dtype === undefined)
    throw new UsageError(
      `${subject} has the element type ${typeName(type)}, which is not supported; convert the model to float32`,
      { code: "bad-file" },
    );
  return dtype;
}

/** The range of an integer type; ±∞ for other types. */
export const rangeOf = (type: number): readonly [low: number, high: number] =>
  ({
    [T.UINT8]: [0, 255] as const,
    [T.INT8]: [-128, 127] as const,
    [T.UINT16]: [0, 65_535] as const,
    [T.INT16]: [-32_768, 32_767] as const,
    [T.UINT4]: [0, 15] as const,
    [T.INT4]: [-8, 7] as const,
    [T.UINT32]: [0, 2 ** 32 - 1] as const,
    [T.INT32]: [-(2 ** 31), 2 ** 31 - 1] as const,
  })[type] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** Maximum elements of a sparse tensor: a few stored bytes can claim any number. */
const MAX_SPARSE = 2 ** 26;

/** The number with these 16 bits in IEEE 754 half precision. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const bits = new Uint32Array(1);
const asFloat = new Float32Array(bits.buffer);

/** The bfloat16 number with these bits: the upper half of a float32. */
function brain(upper: number): number {
  bits[0] = upper << 16;
  return asFloat[0];
}

/** The i-th 4-bit number; each byte holds two, the low half first. */
const nibble = (view: DataView, i: number) => (view.getUint8(i >> 1) >> (4 * (i & 1))) & 15;

/** Bits per element, and a reader of the i-th element from little-endian bytes. */
const readers: Readonly<Record<number, readonly [number, (view: DataView, i: number) => number]>> =
  {
    [T.FLOAT16]: [16, (v, i) => half(v.getUint16(2 * i, true))],
    [T.BFLOAT16]: [16, (v, i) => brain(v.getUint16(2 * i, true))],
    [T.BOOL]: [8, (v, i) => (v.getUint8(i) === 0 ? 0 : 1)],
    [T.UINT8]: [8, (v, i) => v.getUint8(i)],
    [T.INT8]: [8, (v, i) => v.getInt8(i)],
    [T.UINT16]: [16, (v, i) => v.getUint16(2 * i, true)],
    [T.INT16]: [16, (v, i) => v.getInt16(2 * i, true)],
    [T.INT32]: [32, (v, i) => v.getInt32(4 * i, true)],
    [T.UINT4]: [4, nibble],
    [T.INT4]: [4, (v, i) => (nibble(v, i) << 28) >> 28],
  };

/** The raw data of a tensor, from its message or from an external data file. */
function bytesOf(proto: TensorProto, external: External): Uint8Array {
  if (proto.dataLocation !== TensorProto_DataLocation.EXTERNAL) return proto.rawData;
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get("location") ?? "";
  const file = external.get(location);
  if (file === undefined)
    throw new UsageError(
      `tensor ${proto.name} is stored in the external data file ${JSON.stringify(location)}, which was not found beside the model; keep both files in one folder`,
      { code: "not-found" },
    );
  const offset = Number(entries.get("offset") ?? 0);
  const length = Number(entries.get("length") ?? file.length - offset);
  if (!(offset >= 0 && length >= 0 && offset + length <= file.length))
    throw new UsageError(
      `tensor ${proto.name} is stored in bytes ${offset} to ${offset + length} of ${location}, but that file has only ${file.length} bytes; it is incomplete, so copy or export it again`,
      { code: "bad-file" },
    );
  return file.subarray(offset, offset + length);
}

function fromBytes(type: number, count: number, bytes: Uint8Array): NdArray["data"] {
  // Typed arrays must start at an aligned offset, so the bytes are copied.
  const copy = () => new Uint8Array(bytes).buffer;
  if (type === T.FLOAT) return new Float32Array(copy());
  if (type === T.DOUBLE) return new Float64Array(copy());
  if (type === T.INT64 || type === T.UINT64) return new BigInt64Array(copy());
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === T.UINT32)
    return BigInt64Array.from({ length: count }, (_, i) => BigInt(view.getUint32(4 * i, true)));
  const [, read] = readers[type];
  const at = (_: unknown, i: number) => read(view, i);
  if (dtypes[type] === "float32") return Float32Array.from({ length: count }, at);
  return dtypes[type] === "bool"
    ? Uint8Array.from({ length: count }, at)
    : Int32Array.from({ length: count }, at);
}

const bitsOf = (type: number): number =>
  readers[type]?.[0] ?? (type === T.FLOAT || type === T.UINT32 ? 32 : 64);

/** The elements of a tensor that stores them in a typed field (`float_data`, …) instead of `raw_data`. */
function fromFields(proto: TensorProto): NdArray["data"] {
  const { dataType: type, floatData, doubleData, int64Data, uint64Data, int32Data } = proto;
  if (type === T.FLOAT) return Float32Array.from(floatData);
  if (type === T.DOUBLE) return Float64Array.from(doubleData);
  if (type === T.INT64) return BigInt64Array.from(int64Data);
  if (type === T.UINT64 || type === T.UINT32) return BigInt64Array.from(uint64Data);
  if (type === T.FLOAT16) return Float32Array.from(int32Data, half);
  if (type === T.BFLOAT16) return Float32Array.from(int32Data, brain);
  if (type === T.BOOL) return Uint8Array.from(int32Data, (v) => (v === 0 ? 0 : 1));
  return Int32Array.from(int32Data);
}

/**
 * Decodes a tensor into our element types: half precision becomes float32, small integers become int32.
 * Throws `UsageError` if the stored elements do not fit the shape, or if the external data file is
 * missing.
 */
export function decodeTensor(proto: TensorProto, external: External = new Map()): NdArray {
  const { name, dataType: type, dims } = proto;
  const dtype = dtypeOf(type, name === "" ? "a tensor of the file" : `tensor ${name}`);
  const shape: Shape = dims.map(Number);
  const count = elementCount(shape);
  const mismatch = (stored: number, unit: string) =>
    new UsageError(
      `tensor ${name} of ${typeName(type)} has the shape [${shape.join(", ")}], but stores ${stored} ${unit}; the file is corrupt, so copy or export it again`,
      { code: "bad-file" },
    );
  if (shape.some((n) => !(n >= 0)) || !Number.isSafeInteger(count)) throw mismatch(0, "elements");
  const bytes = bytesOf(proto, external);
  if (bytes.length > 0 || proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    if (bytes.length !== Math.ceil((count * bitsOf(type)) / 8))
      throw mismatch(bytes.length, "bytes");
    return { dtype, shape, data: fromBytes(type, count, bytes) } as NdArray;
  }
  const data = fromFields(proto);
  if (data.length !== count) throw mismatch(data.length, "elements");
  return { dtype, shape, data } as NdArray;
}

/**
 * Decodes a sparse tensor into a dense array. The message stores n values, and either their row-major
 * positions [n] or their indices [n, axes]. Throws `UsageError` (`bad-file`) for wrong shapes or
 * positions.
 */
export function decodeSparse(proto: SparseTensorProto, external: External = new Map()): NdArray {
  const { dims } = proto;
  const name = proto.values?.name ?? "";
  if (proto.values === undefined || proto.indices === undefined)
    throw new UsageError(
      `sparse tensor ${name} has no values or no indices; the file is corrupt, so copy or export it again`,
      { code: "bad-file" },
    );
  const values = decodeTensor(proto.values, external);
  const indices = decodeTensor(proto.indices, external);
  const shape = dims.map(Number);
  const count = elementCount(shape);
  const perAxis = indices.shape.length === 2;
  const complete = indices.data.length === values.data.length * (perAxis ? shape.length : 1);
  if (!complete || shape.some((n) => !(n >= 0)) || !(count <= MAX_SPARSE))
    throw new UsageError(
      `sparse tensor ${name} of shape [${shape.join(", ")}] has ${values.data.length} values and indices of shape [${indices.shape.join(", ")}], which do not fit together or exceed the limit of ${MAX_SPARSE} elements; the file is corrupt, or was made to exhaust memory`,
      { code: "bad-file" },
    );
  const like = values.data.constructor as new (length: number) => NdArray["data"];
  const data = new like(count);
  for (let i = 0; i < values.data.length; i++) {
    const position = perAxis
      ? shape.reduce((sum, n, axis) => sum * n + Number(indices.data[i * shape.length + axis]), 0)
      : Number(indices.data[i]);
    if (!(position >= 0 && position < count))
      throw new UsageError(
        `sparse tensor ${name} has the index ${position}, but only ${count} elements; the file is corrupt, so copy or export it again`,
        { code: "bad-file" },
      );
    data[position] = values.data[i] as never;
  }
  return { dtype: values.dtype, shape, data } as NdArray;
}
