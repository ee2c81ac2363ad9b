// Values that may be absent, which is known when a file is read: https://onnx.ai/onnx/operators/onnx__Optional.html
//
// Opset 15: first versions; 18: OptionalHasElement and OptionalGetElement take plain values, too.

import type { Value } from "../../graph/value.ts";
import { bool, int64 } from "./arithmetic.ts";
import type { Importers, ImportNode } from "./import-node.ts";

/** Values that stand for nothing. */
const absent = new WeakSet<Value>();

/** A value as it is, or one that stands for its absence. */
function optional(node: ImportNode): Value {
  const value = node.inputs[0];
  if (value !== undefined) return value;
  const nothing = int64([]);
  absent.add(nothing);
  return nothing;
}

function hasElement(node: ImportNode): Value {
  const value = node.inputs[0];
  const has = value !== undefined && !absent.has(value);
  return bool(has);
}

function getElement(node: ImportNode): Value {
  const value = node.input(0);
  if (absent.has(value)) throw node.error("takes a value that is absent; the file is corrupt");
  return value;
}

export const optionals: Importers = {
  Optional: optional,
  OptionalHasElement: hasElement,
  OptionalGetElement: getElement,
};
