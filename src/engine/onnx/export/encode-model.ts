// Encodes a model with one copy of each array. The general protobuf encoder copies each array several times.

import { create, toBinary } from "@bufbuild/protobuf";
import { GraphProtoSchema, type ModelProto, ModelProtoSchema, TensorProtoSchema } from "onnx-buf";
import type { NdArray } from "../../../math/tensor.ts";
import { onnxTypeOf } from "../protos.ts";

/** Field numbers of onnx.proto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const [MODEL_GRAPH, GRAPH_INITIALIZER, TENSOR_RAW_DATA] = [7, 5, 9];

/**
 * The bytes before a length-delimited field: its number with wire type 2, and its length, as varints
 * (https://protobuf.dev/programming-guides/encoding).
 */
function prefix(field: number, length: number): Uint8Array {
  const bytes = [(field << 3) | 2];
  let rest = length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}

/** An encoded initializer, in pieces. The last piece is the memory of the array, not a copy. */
function initializer(name: string, { dtype, shape, data }: NdArray): readonly Uint8Array[] {
  const head = toBinary(
    TensorProtoSchema,
    create(TensorProtoSchema, { name, dataType: onnxTypeOf[dtype], dims: shape.map(BigInt) }),
  );
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const before = prefix(TENSOR_RAW_DATA, raw.length);
  const length = head.length + before.length + raw.length;
  return [prefix(GRAPH_INITIALIZER, length), head, before, raw];
}

const sizeOfAll = (pieces: readonly Uint8Array[]) =>
  pieces.reduce((sum, { length }) => sum + length, 0);

/**
 * Encodes a model with `arrays` as the initializers of its graph; `model` must have none. The bytes
 * equal those of `toBinary`: fields are in the order of their numbers.
 */
export function encodeModel(
  model: ModelProto,
  arrays: readonly (readonly [name: string, array: NdArray])[],
): Uint8Array<ArrayBuffer> {
  const { $typeName: _, graph, opsetImport, metadataProps, ...before } = model;
  const { $typeName: __, node, name, ...after } = graph ?? create(GraphProtoSchema);
  const inner = [
    toBinary(GraphProtoSchema, create(GraphProtoSchema, { node, name })),
    ...arrays.flatMap(([name, array]) => initializer(name, array)),
    toBinary(GraphProtoSchema, create(GraphProtoSchema, after)),
  ];
  const pieces = [
    toBinary(ModelProtoSchema, create(ModelProtoSchema, before)),
    prefix(MODEL_GRAPH, sizeOfAll(inner)),
    ...inner,
    toBinary(ModelProtoSchema, create(ModelProtoSchema, { opsetImport, metadataProps })),
  ];
  const bytes = new Uint8Array(sizeOfAll(pieces));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}
