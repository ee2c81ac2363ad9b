// Optional values. The import determines whether they are present:
// https://onnx.ai/onnx/operators/onnx__Optional.html
// https://onnx.ai/onnx/operators/onnx__OptionalHasElement.html
// https://onnx.ai/onnx/operators/onnx__OptionalGetElement.html
//
// Opset 15: first versions. Opset 18: OptionalHasElement and OptionalGetElement accept plain values as well.

import type { Value } from "../../graph/value.ts";
import { bool, int64 } from "./arithmetic.ts";
import type { Importers, ImportNode } from "./import-node.ts";

/** Placeholders for optionals without a value. */
const absent = new WeakSet<Value>();

/** (value?) ↦ the value, or a placeholder if it is absent. */
function optional(node: ImportNode): Value {
  const value = node.inputs[0];
  if (value !== undefined) return value;
  const placeholder = int64([]);
  absent.add(placeholder);
  return placeholder;
}

function hasElement(node: ImportNode): Value {
  const value = node.inputs[0];
  return bool(value !== undefined && !absent.has(value));
}

function getElement(node: ImportNode): Value {
  const value = node.input(0);
  if (absent.has(value)) throw node.invalid("its input is an optional without a value");
  return value;
}

/** Importers of the operators on optional values. */
export const optionals: Importers = {
  Optional: optional,
  OptionalHasElement: hasElement,
  OptionalGetElement: getElement,
};
