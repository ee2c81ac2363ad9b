// The safetensors format (github.com/huggingface/safetensors): 8 bytes of header length (u64, little-endian), a JSON
// header of { name: { dtype, shape, data_offsets } } with strings under `__metadata__`, then the raw numbers.
import { elementCount, type Tensor, tensor } from "../../math/tensor.ts";

/** The contents of a file: float32 arrays of any shape by name, and strings by name. */
export interface SafeTensors {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The contents of a file, and whether its checksum was verified; files of other writers have none. */
export interface ReadTensors extends SafeTensors {
  readonly verified: boolean;
}

/** The header's entry of an array; offsets count bytes from the end of the header. */
interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

type Entries = Readonly<Record<string, Entry>>;

/**
 * The format's key for strings, our key in it for the checksum of the rest of the file, and the bytes of the header's
 * length.
 */
const METADATA = "__metadata__";
const CHECKSUM = "sha256";
const LENGTH = 8;

const hex = (bytes: ArrayBuffer): string =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const sha256 = (bytes: Uint8Array) =>
  crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);

/** SHA-256 of the header without its checksum and the SHA-256 of the arrays. */
const checksum = async (header: object, data: Uint8Array): Promise<string> =>
  hex(await sha256(new TextEncoder().encode(JSON.stringify(header) + hex(await sha256(data)))));

/** The bytes of a file with a checksum. Arrays start at a multiple of 8 and have no gaps. */
export async function writeSafetensors({ tensors, metadata }: SafeTensors): Promise<Uint8Array> {
  const entries: Record<string, Entry> = {};
  let end = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    entries[name] = { dtype: "F32", shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  // The checksum has a fixed length, so the header's length is known before the checksum is.
  const text = (sum: string) =>
    JSON.stringify({ [METADATA]: { ...metadata, [CHECKSUM]: sum }, ...entries });
  const unpadded = new TextEncoder().encode(text("0".repeat(64))).length;
  const header = Math.ceil(unpadded / 8) * 8;
  const bytes = new Uint8Array(LENGTH + header + end);
  const body = bytes.subarray(LENGTH + header);
  for (const [name, { data }] of Object.entries(tensors))
    body.set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      entries[name].data_offsets[0],
    );
  const sum = await checksum({ [METADATA]: metadata, ...entries }, body);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header), true);
  bytes.set(
    new TextEncoder().encode(text(sum).padEnd(text(sum).length + header - unpadded)),
    LENGTH,
  );
  return bytes;
}

/** Reads a file and verifies its checksum. Throws an `Error` whose message continues a sentence about the file. */
export async function readSafetensors(bytes: Uint8Array): Promise<ReadTensors> {
  const { metadata, entries, body } = headerOf(bytes);
  const { [CHECKSUM]: sum, ...rest } = metadata;
  if (sum !== undefined && sum !== (await checksum({ [METADATA]: rest, ...entries }, body)))
    throw new Error("its checksum does not match its contents");
  const tensors: Record<string, Tensor> = {};
  for (const [name, entry] of Object.entries(entries)) tensors[name] = arrayOf(name, entry, body);
  return { tensors, metadata: rest, verified: sum !== undefined };
}

/** Parses the header, and requires the arrays that it states to fit into the rest of the file. */
function headerOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < LENGTH ? 0 : Number(view.getBigUint64(0, true));
  if (length < 2) throw new Error("it is not a safetensors file");
  if (LENGTH + length > bytes.length) throw new Error("it ends inside its header");
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(LENGTH, LENGTH + length)));
  } catch {
    throw new Error("its header is not JSON");
  }
  if (!isRecord(header)) throw new Error("its header is not an object");
  const { [METADATA]: metadata = {}, ...entries } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((text) => typeof text === "string"))
    throw new Error("its metadata are not texts by name");
  const body = bytes.subarray(LENGTH + length);
  let stated = 0;
  for (const [name, entry] of Object.entries(entries)) {
    if (name === "__proto__" || !isEntry(entry))
      throw new Error(
        `its array ${JSON.stringify(name.slice(0, 60))} is stated without a type, a shape and two offsets`,
      );
    stated += entry.data_offsets[1] - entry.data_offsets[0];
  }
  if (stated > body.length) throw new Error("it ends before its arrays do, or they overlap");
  return { metadata: metadata as Record<string, string>, entries: entries as Entries, body };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The maximum number of axes, as in NumPy. */
const MAX_AXES = 64;

const areLengths = (value: unknown): value is readonly number[] =>
  Array.isArray(value) &&
  value.length <= MAX_AXES &&
  value.every((n) => Number.isSafeInteger(n) && n >= 0);

const isEntry = (value: unknown): value is Entry =>
  isRecord(value) &&
  typeof value.dtype === "string" &&
  areLengths(value.shape) &&
  areLengths(value.data_offsets) &&
  value.data_offsets.length === 2 &&
  value.data_offsets[0] <= value.data_offsets[1];

function arrayOf(name: string, { dtype, shape, data_offsets }: Entry, body: Uint8Array): Tensor {
  if (dtype !== "F32") throw new Error(`its array ${name} is ${dtype.slice(0, 20)}, not F32`);
  const [start, end] = data_offsets;
  if (end > body.length) throw new Error(`it ends inside its array ${name}`);
  if (end - start !== 4 * elementCount(shape))
    throw new Error(`its array ${name} has ${end - start} bytes for shape [${shape.join(", ")}]`);
  // A Float32Array can view aligned memory only.
  const part = body.subarray(start, end);
  const aligned = part.byteOffset % 4 === 0 ? part : part.slice();
  return tensor(shape, new Float32Array(aligned.buffer, aligned.byteOffset, elementCount(shape)));
}
