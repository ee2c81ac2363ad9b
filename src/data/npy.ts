import { UsageError } from "../math/usage-error.ts";

/** An array from a .npy file. */
export interface Npy {
  /** NumPy's type code without byte order: `u1`, `f4`, `i8`, `U12`. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Elements in C order. 64-bit integers are rounded to the nearest double. */
  readonly data: Uint8Array | Float32Array | Float64Array | readonly string[];
}

/** Reads the element at byte offset `at`. */
type Read = (view: DataView, at: number, little: boolean) => number;

/** Decodes an IEEE 754 binary16 number. */
function half(bits: number): number {
  const sign = bits >> 15 === 1 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Size in bytes and reader of each numeric type. */
const numbers: Readonly<Record<string, readonly [bytes: number, read: Read]>> = {
  b1: [1, (view, at) => view.getUint8(at)],
  u1: [1, (view, at) => view.getUint8(at)],
  i1: [1, (view, at) => view.getInt8(at)],
  u2: [2, (view, at, little) => view.getUint16(at, little)],
  i2: [2, (view, at, little) => view.getInt16(at, little)],
  u4: [4, (view, at, little) => view.getUint32(at, little)],
  i4: [4, (view, at, little) => view.getInt32(at, little)],
  u8: [8, (view, at, little) => Number(view.getBigUint64(at, little))],
  i8: [8, (view, at, little) => Number(view.getBigInt64(at, little))],
  f2: [2, (view, at, little) => half(view.getUint16(at, little))],
  f4: [4, (view, at, little) => view.getFloat32(at, little)],
  f8: [8, (view, at, little) => view.getFloat64(at, little)],
};

/** Largest header in bytes. NumPy itself reads at most 10,000 of an untrusted file. */
const MAX_HEADER = 2 ** 16;

/** Largest code point of Unicode. */
const MAX_CODE_POINT = 0x10ffff;

/** Decodes strings of `length` UCS-4 characters each, without the zeros at their ends. */
const decodeText = (name: string, bytes: Uint8Array, length: number, little: boolean): string[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / (4 * length) }, (_, i) =>
    Array.from({ length }, (_, j) => view.getUint32(4 * (i * length + j), little))
      .filter((code) => code !== 0)
      .map((code) => {
        if (code <= MAX_CODE_POINT) return String.fromCodePoint(code);
        throw new UsageError(
          `${name} holds ${code}, which is not a Unicode character, so it is damaged; write it again`,
          { code: "bad-file" },
        );
      })
      .join(""),
  );
};

const headerPattern =
  /'descr':\s*'([<>|=]?)(\w+)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([\d,\s]*)\)/;

/** Parses a .npy file (NumPy Enhancement Proposal 1, versions 1 to 3). Throws a UsageError that calls it `name`. */
export function parseNpy(name: string, bytes: Uint8Array): Npy {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isNpy = bytes.length >= 12 && bytes[0] === 0x93 && latin(bytes.subarray(1, 6)) === "NUMPY";
  if (!isNpy)
    throw new UsageError(`${name} is not a .npy array; write it with numpy.save or savez`, {
      code: "bad-file",
    });
  const prefix = bytes[6] === 1 ? 10 : 12;
  const start = prefix + (bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > bytes.length || start > MAX_HEADER)
    throw new UsageError(
      `${name} states a header of ${start - prefix} bytes ${start > bytes.length ? `and has ${bytes.length} in all, so it is truncated or damaged` : `where ${MAX_HEADER} are allowed, so it is damaged`}; write it again with numpy.save or savez`,
      { code: "bad-file" },
    );
  const header = latin(bytes.subarray(prefix, start));
  const match = headerPattern.exec(header);
  if (match === null)
    throw new UsageError(
      `${name} has a type that is not supported (${header.trim().slice(0, 200)}); use uint8, float32 or int64`,
      { code: "bad-file" },
    );
  const [, order, type, fortran, lengths] = match;
  const shape = lengths
    .split(",")
    .flatMap((length) => (length.trim() === "" ? [] : [Number(length)]));
  const size = shape.reduce((product, length) => product * length, 1);
  const letters = type.startsWith("U") ? Number(type.slice(1)) : undefined;
  const width = letters === undefined ? numbers[type]?.[0] : 4 * letters;
  if (width === undefined)
    throw new UsageError(`${name} has elements of type ${type}; use uint8, float32 or int64`, {
      code: "bad-file",
    });
  if (fortran === "True" && shape.length > 1)
    throw new UsageError(`${name} is in Fortran order; save numpy.ascontiguousarray of it`, {
      code: "bad-file",
    });
  const body = bytes.subarray(start);
  if (body.length !== size * width)
    throw new UsageError(
      `${name} has ${body.length} bytes of data instead of ${size * width} for [${shape.join(", ")}] of ${type}, so it is truncated or damaged`,
      { code: "bad-file" },
    );
  const little = order !== ">";
  if (letters !== undefined) return { type, shape, data: decodeText(name, body, letters, little) };
  if (type === "u1" || type === "b1") return { type, shape, data: body };
  const data = new (type === "f4" || type === "f2" ? Float32Array : Float64Array)(size);
  const read = numbers[type][1];
  for (let i = 0; i < size; i++) data[i] = read(view, start + i * width, little);
  return { type, shape, data };
}

const latin = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

/** Elements that a .npy file can be written from. Strings become UCS-4, as in NumPy. */
export type NpyData = Uint8Array | Int32Array | Float32Array | Float64Array | readonly string[];

/** Encodes strings as NumPy's `<U`: every string is padded with zeros to the code points of the longest. */
function textCodes(texts: readonly string[]): {
  readonly length: number;
  readonly codes: Uint8Array;
} {
  const letters = texts.map((one) => Array.from(one, (letter) => letter.codePointAt(0) ?? 0));
  const length = Math.max(1, ...letters.map((one) => one.length));
  const codes = new DataView(new ArrayBuffer(4 * length * texts.length));
  for (const [i, one] of letters.entries())
    for (const [j, code] of one.entries()) codes.setUint32(4 * (i * length + j), code, true);
  return { length, codes: new Uint8Array(codes.buffer) };
}

/** The elements as binary data, and NumPy's type descriptor. */
function elementsOf(data: NpyData): {
  readonly descr: string;
  readonly elements: Exclude<NpyData, readonly string[]>;
} {
  if (data instanceof Uint8Array) return { descr: "|u1", elements: data };
  if (data instanceof Int32Array) return { descr: "<i4", elements: data };
  if (data instanceof Float32Array) return { descr: "<f4", elements: data };
  if (data instanceof Float64Array) return { descr: "<f8", elements: data };
  const { length, codes } = textCodes(data);
  return { descr: `<U${length}`, elements: codes };
}

/** Encodes an array of this shape as a .npy file, version 1, in C order. */
export function npyBytes(data: NpyData, shape: readonly number[]): Uint8Array {
  const { descr, elements } = elementsOf(data);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11);
  const start = 10 + header.length + 1;
  const out = new Uint8Array(start + elements.byteLength);
  const letters = Array.from(`NUMPY\x01\x00\x00\x00${header}\n`, (letter) => letter.charCodeAt(0));
  out.set([0x93, ...letters]);
  new DataView(out.buffer).setUint16(8, start - 10, true);
  out.set(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength), start);
  return out;
}
