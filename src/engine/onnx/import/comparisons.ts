// Elementwise comparisons and logic: https://onnx.ai/onnx/operators (Equal, Less, And,
// IsInf, Where, …).
//
// Binary operators: before opset 7, `axis` aligns the second operand if `broadcast` is set. Later
// versions add types only.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import type { Importers } from "./import-node.ts";
import { binary, unary } from "./operands.ts";

/** Extends f to bool operands, as 0 and 1. */
const asNumbers =
  (f: (a: Value, b: Value) => Value) =>
  (a: Value, b: Value): Value =>
    a.dtype === "bool" ? f(g.cast(a, "int32"), g.cast(b, "int32")) : f(a, b);

const equal = asNumbers(g.equal);
const atLeast = (a: Value, b: Value) => g.or(g.greater(a, b), g.equal(a, b));

/** condition ? a : b. ONNX Runtime has no Where for bool values, so they are cast to int32 and back. */
export function where(condition: Value, a: Value, b: Value): Value {
  if (a.dtype !== "bool") return g.where(condition, a, b);
  return g.cast(g.where(condition, g.cast(a, "int32"), g.cast(b, "int32")), "bool");
}

/** Importers of comparisons, of logic and of Where. */
export const comparisons: Importers = {
  Equal: binary(equal),
  Greater: binary(g.greater),
  Less: binary((a, b) => g.greater(b, a)),
  GreaterOrEqual: binary(atLeast),
  LessOrEqual: binary((a, b) => atLeast(b, a)),
  And: binary(g.and),
  Or: binary(g.or),
  Xor: binary((a, b) => g.not(equal(a, b))),
  Not: unary(g.not),
  IsNaN: unary((x) => g.not(g.equal(x, x))),
  IsInf: (node) => {
    const x = node.input(0);
    const infinity = g.scalarLike(x, Number.POSITIVE_INFINITY);
    const [low, high] = [g.equal(x, g.neg(infinity)), g.equal(x, infinity)];
    if (node.int("detect_positive", 1) === 0) return low;
    return node.int("detect_negative", 1) === 0 ? high : g.or(low, high);
  },
  Where: (node) => where(node.input(0), node.input(1), node.input(2)),
};
