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

/** The ONNX element type for each of ours. */
export const onnxTypeOf: { readonly [D in DType]: TensorProto_DataType } = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  int32: TensorProto_DataType.INT32,
  bool: TensorProto_DataType.BOOL,
  uint8: TensorProto_DataType.UINT8,
};

/** The value of an attribute: an integer, a float or a string, or a list of one of these. */
export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly strings: readonly string[] };

/** Encodes an attribute as a protobuf message. */
export function attributeProto(name: string, value: AttributeValue): AttributeProto {
  if ("int" in value)
    return create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(value.int) });
  if ("ints" in value)
    return create(AttributeProtoSchema, { name, type: Kind.INTS, ints: value.ints.map(BigInt) });
  if ("float" in value)
    return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: value.float });
  if ("floats" in value)
    return create(AttributeProtoSchema, { name, type: Kind.FLOATS, floats: [...value.floats] });
  const encoder = new TextEncoder();
  if ("strings" in value) {
    const strings = value.strings.map((one) => encoder.encode(one));
    return create(AttributeProtoSchema, { name, type: Kind.STRINGS, strings });
  }
  const s = encoder.encode(value.string);
  return create(AttributeProtoSchema, { name, type: Kind.STRING, s });
}

/**
 * Encodes an array as a protobuf message with raw data. ONNX stores raw data in little-endian order,
 * which all platforms that run this code use.
 */
export function tensorProto(name: string, { dtype, shape, data }: NdArray): TensorProto {
  const rawData = new Uint8Array(data.byteLength);
  rawData.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return create(TensorProtoSchema, {
    name,
    dataType: onnxTypeOf[dtype],
    dims: shape.map(BigInt),
    rawData,
  });
}

/** The type of an input or output. `batch`, if not null, is the `dim_param` of axis 0, whose length is then open. */
export function typeProto(dtype: DType, shape: Shape, batch: string | null): TypeProto {
  const dim = shape.map((length, axis) =>
    axis === 0 && batch !== null
      ? { value: { case: "dimParam" as const, value: batch } }
      : { value: { case: "dimValue" as const, value: BigInt(length) } },
  );
  return create(TypeProtoSchema, {
    value: { case: "tensorType", value: { elemType: onnxTypeOf[dtype], shape: { dim } } },
  });
}
