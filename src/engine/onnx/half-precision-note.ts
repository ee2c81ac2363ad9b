import { TensorProto_DataType as T } from "onnx-buf";
import type { Note } from "../../math/note.ts";

const consequence =
  "so an image with nearly tied scores may get a different class than in a runtime that rounds every result";

const texts: Readonly<Record<number, string>> = {
  [T.FLOAT16]: `the file computes in float16 and is evaluated in float32: values are not rounded to 11 bits, and values above 65504 do not become infinite, ${consequence}`,
  [T.BFLOAT16]: `the file computes in bfloat16 and is evaluated in float32: values are not rounded to 8 bits, ${consequence}`,
};

/** The note for a file that computes in this ONNX element type; null unless it is float16 or bfloat16. */
export function halfPrecisionNote(elementType: number): Note | null {
  const text = texts[elementType];
  return text === undefined ? null : { code: "half-precision", text };
}
