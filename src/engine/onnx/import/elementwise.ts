// Arithmetic, element by element: https://onnx.ai/onnx/operators (Add, Pow, Clip, Erf, Round, …).
//
// Binary operators: before opset 7, `axis` aligns the second operand if `broadcast` is set. Clip:
// bounds are attributes before opset 11.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { truncated } from "./casts.ts";
import { where } from "./comparisons.ts";
import { constantNumber, type Importer, type Importers, type ImportNode } from "./import-node.ts";
import { binary, isFloat, unary, variadic } from "./operands.ts";
import { stepwise } from "./stepwise.ts";

/** a^b in the dtype of a. Powers of integers are computed in float64. */
function power(a: Value, b: Value): Value {
  if (isFloat(a)) return g.pow(a, g.cast(b, a.dtype));
  return g.cast(g.pow(g.cast(a, "float64"), g.cast(b, "float64")), a.dtype);
}

/** The remainder, with the sign of the divisor, or of the dividend if `fmod` is set. */
function modulo(node: ImportNode): Value {
  const [a, b] = [node.input(0), node.input(1)];
  const quotient = g.div(a, b);
  const remainderOf = (rounded: Value) => g.sub(a, g.mul(rounded, b));
  const zero = g.scalarLike(a, 0);
  if (node.int("fmod", 0) === 1) {
    return remainderOf(isFloat(a) ? truncated(quotient) : quotient);
  }
  if (isFloat(a)) return remainderOf(g.floor(quotient));
  const remainder = remainderOf(quotient);
  const opposite = g.greater(zero, g.mul(remainder, b));
  return where(opposite, g.add(remainder, b), remainder);
}

/** (x, min?, max?) ↦ x clipped to [min, max]. The result is max if max < min. */
function clip(node: ImportNode): Value {
  const x = node.input(0);
  if (node.opset < 11) return g.clip(x, node.float("min", -Infinity), node.float("max", Infinity));
  const bounds = [1, 2].map((i) => node.inputs[i]);
  if (bounds.every((bound) => bound === undefined || node.isConstant(bound))) {
    const high = constantNumber(node, 2, Number.POSITIVE_INFINITY);
    return g.clip(x, Math.min(constantNumber(node, 1, Number.NEGATIVE_INFINITY), high), high);
  }
  const [low, high] = bounds;
  const raised = low === undefined ? x : g.maximum(x, low);
  return high === undefined ? raised : g.minimum(raised, high);
}

/** An importer of a step function. */
const step =
  (f: (x: Value) => Value): Importer =>
  (node) => {
    const x = node.input(0);
    return stepwise(node, f(x), x);
  };

/** f computed in float32, since ONNX Runtime has no float64 kernel for it. */
const single =
  (f: (x: Value) => Value) =>
  (x: Value): Value =>
    g.cast(f(g.cast(x, "float32")), x.dtype);

/** sign(x)·log(|x| + √(x² + 1)). With x instead of |x|, the sum would be 0 in float32 below −1000. */
function asinh(x: Value): Value {
  const negative = g.greater(g.scalarLike(x, 0), x);
  const magnitude = g.where(negative, g.neg(x), x);
  const y = g.log(g.add(magnitude, g.sqrt(g.add(g.mul(magnitude, magnitude), one(x)))));
  return g.where(negative, g.neg(y), y);
}

const one = (x: Value) => g.scalarLike(x, 1);
const half = (x: Value) => g.mul(x, g.scalarLike(x, 0.5));
const inverse = (x: Value) => g.div(one(x), x);
/** asin x = atan(x / √(1 − x²)), exact at ±1 too since atan(±∞) = ±π/2. */
const asin = (x: Value) => g.atan(g.div(x, g.sqrt(g.sub(one(x), g.mul(x, x)))));

/** Importers of arithmetic. */
export const elementwise: Importers = {
  Add: binary(g.add),
  Sub: binary(g.sub),
  Mul: binary(g.mul),
  Div: binary(g.div),
  Pow: binary(power),
  Mod: modulo,
  Max: variadic(g.maximum),
  Min: variadic(g.minimum),
  Sum: variadic(g.add),
  Mean: (node) => {
    const total = node.inputs.map((_, i) => node.input(i)).reduce(g.add);
    return g.mul(total, g.scalarLike(total, 1 / node.inputs.length));
  },
  Neg: unary(g.neg),
  Abs: unary(g.abs),
  Exp: unary(g.exp),
  Log: unary(g.log),
  Sqrt: unary(g.sqrt),
  Reciprocal: unary(inverse),
  Erf: unary(single(g.erf)),
  Sin: unary(g.sin),
  Cos: unary(g.cos),
  Tan: unary((x) => g.div(g.sin(x), g.cos(x))),
  Asin: unary(asin),
  Acos: unary((x) => g.sub(g.scalarLike(x, Math.PI / 2), asin(x))),
  Atan: unary(single(g.atan)),
  Sinh: unary((x) => half(g.sub(g.exp(x), g.exp(g.neg(x))))),
  Cosh: unary((x) => half(g.add(g.exp(x), g.exp(g.neg(x))))),
  Asinh: unary(asinh),
  Acosh: unary((x) => g.log(g.add(x, g.sqrt(g.sub(g.mul(x, x), one(x)))))),
  Atanh: unary((x) => half(g.log(g.div(g.add(one(x), x), g.sub(one(x), x))))),
  Sign: step(g.sign),
  Floor: step(g.floor),
  Ceil: step(g.ceil),
  Round: step(g.round),
  Clip: clip,

  Identity: unary((x) => x),
};
