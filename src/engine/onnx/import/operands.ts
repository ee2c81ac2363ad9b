// Operands of elementwise operators. Before opset 7, `axis` aligns the second operand if `broadcast` is set.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import type { Importer, ImportNode } from "./import-node.ts";

/** Both operands in shapes that broadcast. Before opset 7, the second operand can start at an axis of the first. */
function alignedOperands(node: ImportNode): [Value, Value] {
  const [a, b] = [node.input(0), node.input(1)];
  if (node.opset >= 7 || node.int("broadcast", 0) === 0 || !node.has("axis")) return [a, b];
  const axis = (node.int("axis", 0) + a.shape.length) % a.shape.length;
  const after = a.shape.length - axis - b.shape.length;
  return [a, g.reshape(b, [...b.shape, ...new Array<number>(Math.max(after, 0)).fill(1)])];
}

/** An importer of f on two operands. */
export const binary =
  (f: (a: Value, b: Value) => Value): Importer =>
  (node) =>
    f(...alignedOperands(node));

/** An importer of f on one operand. */
export const unary =
  (f: (x: Value) => Value): Importer =>
  (node) =>
    f(node.input(0));

/** An importer that folds any number of operands by f. */
export const variadic =
  (f: (a: Value, b: Value) => Value): Importer =>
  (node) =>
    node.inputs.map((_, i) => node.input(i)).reduce(f);

export const isFloat = ({ dtype }: Value) => dtype === "float32" || dtype === "float64";
