// Element-wise operators: https://onnx.ai/onnx/operators (Add, Clip, Cast, Where, Dropout, …).
//
// Binary operators: before opset 7, `axis` aligns the second operand if `broadcast` is set. Clip: bounds are attributes before
// opset 11. Cast: the type is text before opset 6. Dropout: `is_test` before opset 7; the mask is bool since opset 10.

import { TensorProto_DataType as T } from "onnx-buf";
import { own } from "../../../math/own.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { halfPrecisionNote } from "../half-precision-note.ts";
import { dtypeOf } from "../tensors.ts";
import { constantNumber, type Importer, type Importers, type ImportNode } from "./import-node.ts";

/** Both operands, ready to be broadcast. Before opset 7 the second one can start at an axis of the first. */
function aligned(node: ImportNode): [Value, Value] {
  const [a, b] = [node.input(0), node.input(1)];
  if (node.opset >= 7 || node.int("broadcast", 0) === 0 || !node.has("axis")) return [a, b];
  const axis = (node.int("axis", 0) + a.shape.length) % a.shape.length;
  const after = a.shape.length - axis - b.shape.length;
  return [a, g.reshape(b, [...b.shape, ...new Array<number>(Math.max(after, 0)).fill(1)])];
}

const binary =
  (f: (a: Value, b: Value) => Value): Importer =>
  (node) =>
    f(...aligned(node));
const unary =
  (f: (x: Value) => Value): Importer =>
  (node) =>
    f(node.input(0));
const variadic =
  (f: (a: Value, b: Value) => Value): Importer =>
  (node) =>
    node.inputs.map((_, i) => node.input(i)).reduce(f);

const isFloat = ({ dtype }: Value) => dtype === "float32" || dtype === "float64";

/** f for numbers, applied to bool operands as 0 and 1. */
const asNumbers =
  (f: (a: Value, b: Value) => Value) =>
  (a: Value, b: Value): Value =>
    a.dtype === "bool" ? f(g.cast(a, "int32"), g.cast(b, "int32")) : f(a, b);

const equal = asNumbers(g.equal);
const atLeast = (a: Value, b: Value) => g.or(g.greater(a, b), g.equal(a, b));

/** a to the power of b in the dtype of a; integers are computed in float64. */
function power(a: Value, b: Value): Value {
  if (isFloat(a)) return g.pow(a, g.cast(b, a.dtype));
  return g.cast(g.pow(g.cast(a, "float64"), g.cast(b, "float64")), a.dtype);
}

/** The remainder with the sign of the divisor, or with that of the dividend if `fmod` is set. */
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

/** condition ? a : b. ONNX Runtime has no Where for bool values, so those go through int32. */
function where(condition: Value, a: Value, b: Value): Value {
  if (a.dtype !== "bool") return g.where(condition, a, b);
  return g.cast(g.where(condition, g.cast(a, "int32"), g.cast(b, "int32")), "bool");
}

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

/** x rounded toward zero, as a cast to an integer type rounds. */
const truncated = (x: Value): Value => g.mul(g.sign(x), g.floor(g.abs(x)));

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

/** The step function y of x, which gets the gradient of x if differentiated straight through. Adds a note. */
export function stepwise(node: ImportNode, y: Value, x: Value): Value {
  if (node.isConstant(x)) return y;
  node.noteStepwise(node.type);
  return node.straightThrough ? g.straightThrough(y, x) : y;
}

const step =
  (f: (x: Value) => Value): Importer =>
  (node) => {
    const x = node.input(0);
    return stepwise(node, f(x), x);
  };

/** f in float32, since ONNX Runtime has no kernel for float64. */
const single =
  (f: (x: Value) => Value) =>
  (x: Value): Value =>
    g.cast(f(g.cast(x, "float32")), x.dtype);

/** log(|x| + √(x² + 1)) with the sign of x. For x below −1000 the sum x + √(x² + 1) would be 0 in float32. */
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

  Identity: unary((x) => x),
  Cast: (node) => {
    if (node.opset >= 6) return castTo(node, node.int("to", T.FLOAT));
    const name = node.text("to", "");
    const type = own(T as unknown as Readonly<Record<string, unknown>>, name);
    if (typeof type !== "number")
      throw node.error(`casts to ${JSON.stringify(name)}, an unknown type`);
    return castTo(node, type);
  },
  CastLike: (node) => {
    const like = node.input(1);
    const type = node.elementType(like);
    return type === undefined ? g.cast(node.input(0), like.dtype) : castTo(node, type);
  },
  Dropout: (node) => {
    const x = node.input(0);
    const training = node.inputs[2];
    const isTraining = training !== undefined && node.constantOf(training)?.data[0];
    if (isTraining || (node.opset < 7 && node.int("is_test", 0) === 0))
      node.note({
        code: "training-mode",
        text: "the file was exported in training mode: its dropout, which draws at random, is left out; export it in evaluation mode (model.eval())",
      });
    const ones = g.expand(g.scalar(1, node.opset < 10 ? x.dtype : "bool"), x.shape);
    return [x, ones];
  },
};
