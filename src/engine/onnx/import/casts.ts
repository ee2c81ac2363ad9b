// Casts between element types:
// https://onnx.ai/onnx/operators/onnx__Cast.html (before opset 6 `to` is a string)
// https://onnx.ai/onnx/operators/onnx__CastLike.html (opset 15; all versions alike)

import { TensorProto_DataType as T } from "onnx-buf";
import { lookUp } from "../../../math/look-up.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { halfPrecisionNote } from "../half-precision-note.ts";
import { dtypeOf } from "../tensors.ts";
import type { Importers, ImportNode } from "./import-node.ts";
import { isFloat } from "./operands.ts";

/** x rounded toward zero, like a cast to an integer type. */
export const truncated = (x: Value): Value => g.mul(g.sign(x), g.floor(g.abs(x)));

/** x cast to an ONNX element type. Adds a note for half precision. */
function castTo(node: ImportNode, type: number): Value {
  const x = node.input(0);
  const dtype = dtypeOf(type, "the result of a cast");
  const precisionNote = node.isConstant(x) ? null : halfPrecisionNote(type);
  if (precisionNote !== null) node.note(precisionNote);
  const isByte = type === T.UINT8 || type === T.INT8;
  // A cast of an image to bytes is a step function and can be differentiated straight through.
  if (node.straightThrough && isByte && isFloat(x) && !node.isConstant(x))
    return node.withElementType(g.straightThrough(truncated(x), x), type);
  return node.withElementType(g.cast(x, dtype), type);
}

/** Importers of casts. */
export const casts: Importers = {
  Cast: (node) => {
    if (node.opset >= 6) return castTo(node, node.int("to", T.FLOAT));
    const name = node.string("to", "");
    const type = lookUp(T as unknown as Readonly<Record<string, unknown>>, name);
    if (typeof type !== "number")
      throw node.invalid(`attribute to is ${JSON.stringify(name)}, which is not an element type`);
    return castTo(node, type);
  },
  CastLike: (node) => {
    const like = node.input(1);
    const type = node.elementType(like);
    return type === undefined ? g.cast(node.input(0), like.dtype) : castTo(node, type);
  },
};
