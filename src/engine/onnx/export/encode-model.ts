// A file's bytes. The arrays are copied into them once; the general writer of messages would copy each several times.

import { create, toBinary } from "@bufbuild/protobuf";
import { GraphProtoSchema, type ModelProto, ModelProtoSchema, TensorProtoSchema } from "onnx-buf";
import type { NdArray } from "../../../math/tensor.ts";
import { dataTypes } from "../messages.ts";

/** Numbers of the fields that are written here (onnx.proto). */
const [MODEL_GRAPH, GRAPH_INITIALIZER, TENSOR_RAW_DATA] = [7, 5, 9];

/** What stands before bytes in a message: the number of their field, of kind 2, and their length, as varints. */
function prefix(field: number, length: number): Uint8Array {
  const bytes = [(field << 3) | 2];
  let rest = length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}

/** The pieces of a graph's initializer, whose last one is the array's own memory. */
function initializer(name: string, { dtype, shape, data }: NdArray): readonly Uint8Array[] {
  const head = toBinary(
    TensorProtoSchema,
    create(TensorProtoSchema, { name, dataType: dataTypes[dtype], dims: shape.map(BigInt) }),
  );
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const before = prefix(TENSOR_RAW_DATA, raw.length);
  const length = head.length + before.length + raw.length;
  return [prefix(GRAPH_INITIALIZER, length), head, before, raw];
}

const sizeOfAll = (pieces: readonly Uint8Array[]) =>
  pieces.reduce((sum, { length }) => sum + length, 0);

/**
 * The bytes of a model whose graph stores these arrays besides; its own `initializer` is empty. They are those that
 * `toBinary` gives for the whole: fields in the order of their numbers.
 */
export function encodeModel(
  model: ModelProto,
  arrays: readonly (readonly [name: string, array: NdArray])[],
): Uint8Array<ArrayBuffer> {
  const { $typeName: _, graph, opsetImport, metadataProps, ...before } = model;
  const { $typeName: __, node, name, ...rest } = graph ?? create(GraphProtoSchema);
  const inner = [
    toBinary(GraphProtoSchema, create(GraphProtoSchema, { node, name })),
    ...arrays.flatMap(([name, array]) => initializer(name, array)),
    toBinary(GraphProtoSchema, create(GraphProtoSchema, rest)),
  ];
  const pieces = [
    toBinary(ModelProtoSchema, create(ModelProtoSchema, before)),
    prefix(MODEL_GRAPH, sizeOfAll(inner)),
    ...inner,
    toBinary(ModelProtoSchema, create(ModelProtoSchema, { opsetImport, metadataProps })),
  ];
  const bytes = new Uint8Array(sizeOfAll(pieces));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
