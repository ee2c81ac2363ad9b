import { TensorProto_DataType as T } from "onnx-buf";

/** What a reader must know of a file that computes in half precision, which is evaluated in float32; null for other types. */
export function halfPrecisionNote(elementType: number): string | null {
  const ending =
    "so an image whose scores nearly tie may get another class than a runtime gives that rounds every step";
  if (elementType === T.FLOAT16)
    return `the file computes in float16 and is evaluated in float32: values are not rounded to 11 bits, and none above 65504 becomes infinite, ${ending}`;
  if (elementType === T.BFLOAT16)
    return `the file computes in bfloat16 and is evaluated in float32: values are not rounded to 8 bits, ${ending}`;
  return null;
}
