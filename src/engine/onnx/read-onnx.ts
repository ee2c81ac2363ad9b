import { fromBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema, type TensorProto } from "onnx-buf";
import type { DType, NdArray, Storage } from "../../math/tensor.ts";
import { UsageError } from "../../math/usage-error.ts";
import { onnxTypeOf } from "./protos.ts";

/** The contents of an ONNX file except its nodes. */
export interface OnnxContents {
  /** `metadata_props`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Initializers by name. */
  readonly initializers: Readonly<Record<string, NdArray>>;
}

const decoders: { readonly [D in DType]: (bytes: ArrayBuffer) => Storage[D] } = {
  float32: (bytes) => new Float32Array(bytes, 0, bytes.byteLength >> 2),
  float64: (bytes) => new Float64Array(bytes, 0, bytes.byteLength >> 3),
  int64: (bytes) => new BigInt64Array(bytes, 0, bytes.byteLength >> 3),
  int32: (bytes) => new Int32Array(bytes, 0, bytes.byteLength >> 2),
  bool: (bytes) => new Uint8Array(bytes),
  uint8: (bytes) => new Uint8Array(bytes),
};

function decode({ name, dataType, dims, rawData }: TensorProto): NdArray | null {
  const entry = Object.entries(onnxTypeOf).find(([, number]) => number === dataType);
  if (entry === undefined || rawData.length === 0) return null;
  const dtype = entry[0] as DType;
  const shape = dims.map(Number);
  const count = shape.reduce((size, n) => size * n, 1);
  // Copies the bytes to align them. Node's Buffer overrides slice() to give a view, so slice() would not copy.
  const data = decoders[dtype](new Uint8Array(rawData).buffer);
  if (data.length !== count)
    throw new UsageError(
      `tensor ${name} has ${count} elements by its shape, but stores ${data.length}; the file is corrupt, so copy or export it again`,
      {
        code: "bad-file",
      },
    );
  return { dtype, shape, data } as NdArray;
}

function parse(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new UsageError(
      "not a readable ONNX file (truncated or corrupt); copy or export it again",
      {
        code: "bad-file",
        cause,
      },
    );
  }
}

/**
 * Metadata and initializers of a file that this project exported. Skips initializers that are not
 * stored as raw data. Throws `UsageError` (`bad-file`) for a damaged file.
 */
export function readOnnx(bytes: Uint8Array): OnnxContents {
  const model = parse(bytes);
  const arrays = (model.graph?.initializer ?? []).flatMap((proto): [string, NdArray][] => {
    const array = decode(proto);
    return array === null ? [] : [[proto.name, array]];
  });
  return {
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
    initializers: Object.fromEntries(arrays),
  };
}
