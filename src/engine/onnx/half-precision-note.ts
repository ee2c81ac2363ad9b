import { TensorProto_DataType as T } from "onnx-buf";
import type { Note } from "../../math/note.ts";

const consequence =
  "so an image whose scores nearly tie may get another class than from a runtime that rounds every step";

const texts: Readonly<Record<number, string>> = {
  [T.FLOAT16]: `the file computes in float16 and is evaluated in float32: values are not rounded to 11 bits, and none above 65504 becomes infinite, ${consequence}`,
  [T.BFLOAT16]: `the file computes in bfloat16 and is evaluated in float32: values are not rounded to 8 bits, ${consequence}`,
};

/** The note for a file that computes in this ONNX element type; null unless the type has half precision. */
export function halfPrecisionNote(elementType: number): Note | null {
  const text = texts[elementType];
  return text === undefined ? null : { code: "half-precision", text };
}
