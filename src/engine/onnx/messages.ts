import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as Kind,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  type TypeProto,
  TypeProtoSchema,
} from "onnx-buf";
import type { DType, NdArray, Shape } from "../../math/tensor.ts";

/** ONNX's number for each of our element types. */
export const dataTypes: { readonly [D in DType]: TensorProto_DataType } = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  int32: TensorProto_DataType.INT32,
  bool: TensorProto_DataType.BOOL,
  uint8: TensorProto_DataType.UINT8,
};

/** An attribute: a whole number, a real number or text, or a list of them. */
export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly text: string }
  | { readonly texts: readonly string[] };

export function attribute(name: string, value: AttributeValue): AttributeProto {
  if ("int" in value)
    return create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(value.int) });
  if ("ints" in value)
    return create(AttributeProtoSchema, { name, type: Kind.INTS, ints: value.ints.map(BigInt) });
  if ("float" in value)
    return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: value.float });
  if ("floats" in value)
    return create(AttributeProtoSchema, { name, type: Kind.FLOATS, floats: [...value.floats] });
  const encoder = new TextEncoder();
  if ("texts" in value) {
    const strings = value.texts.map((one) => encoder.encode(one));
    return create(AttributeProtoSchema, { name, type: Kind.STRINGS, strings });
  }
  const s = encoder.encode(value.text);
  return create(AttributeProtoSchema, { name, type: Kind.STRING, s });
}

/** An array as a tensor of the file; its bytes are little-endian, as every platform of ours is. */
export function tensorProto(name: string, { dtype, shape, data }: NdArray): TensorProto {
  const rawData = new Uint8Array(data.byteLength);
  rawData.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return create(TensorProtoSchema, {
    name,
    dataType: dataTypes[dtype],
    dims: shape.map(BigInt),
    rawData,
  });
}

/** The type of an input or output; `batch` names axis 0 instead of fixing it. */
export const typeProto = (dtype: DType, shape: Shape, batch: string | null): TypeProto =>
  create(TypeProtoSchema, {
    value: {
      case: "tensorType",
      value: {
        elemType: dataTypes[dtype],
        shape: {
          dim: shape.map((n, axis) => ({
            value:
              axis === 0 && batch !== null
                ? { case: "dimParam" as const, value: batch }
                : { case: "dimValue" as const, value: BigInt(n) },
          })),
        },
      },
    },
  });
