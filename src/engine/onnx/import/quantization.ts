// Quantised operators of the standard domain, imported as operators on real numbers that round where
// the file rounds.
// https://onnx.ai/onnx/operators (QuantizeLinear, DequantizeLinear, QLinearConv, MatMulInteger, …)
//
// QuantizeLinear and DequantizeLinear: one scale in opset 10, per axis since 13, per block since
// 21. The others are from opset 10, DynamicQuantizeLinear from 11.

import { TensorProto_DataType as T } from "onnx-buf";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { rangeOf } from "../tensors.ts";
import { convolution, geometryOf, perChannel } from "./geometry.ts";
import { axisOf, type Importer, type Importers, type ImportNode } from "./import-node.ts";
import { matmul } from "./linear.ts";
import { stepwise } from "./stepwise.ts";

/**
 * A scale or zero point in a shape that broadcasts to x. It has one number, one per slice along the
 * axis, or one per block.
 */
function broadcastable(node: ImportNode, v: Value, x: Value, axis: number): Value {
  if (v.shape.length === 0 || (v.shape.length === 1 && v.shape[0] === 1)) return g.reshape(v, []);
  if (v.shape.length === 1)
    return g.reshape(
      v,
      x.shape.map((n, i) => (i === axis ? n : 1)),
    );
  // Per block: each number is repeated for the block_size slices of its block.
  const block = node.int("block_size", 0) || x.shape[axis] / v.shape[axis];
  const split = v.shape.toSpliced(axis + 1, 0, 1);
  const repeated = g.reshape(
    g.expand(g.reshape(v, split), split.with(axis + 1, block)),
    v.shape.with(axis, v.shape[axis] * block),
  );
  return g.sliceAxis(repeated, axis, 0, x.shape[axis]);
}

/** v as float32, or as float64 if v is float64. */
export const real = (v: Value): Value => (v.dtype === "float64" ? v : g.cast(v, "float32"));

/** (x − zero)·scale, as floats. */
export function dequantized(x: Value, scale: Value, zero: Value | undefined): Value {
  const centred = zero === undefined ? real(x) : g.sub(real(x), real(zero));
  return g.mul(centred, real(scale));
}

/**
 * round(x/scale) + zero, clipped to the range of the element type, as floats. Adds a note if x is
 * not constant.
 */
export function quantized(
  node: ImportNode,
  x: Value,
  scale: Value,
  zero: Value | undefined,
  type: number,
): Value {
  const [low, high] = rangeOf(type);
  const divided = g.div(real(x), real(scale));
  const rounded = stepwise(node, g.round(divided), divided);
  return g.clip(zero === undefined ? rounded : g.add(rounded, real(zero)), low, high);
}

/** The ONNX element type of a quantised output: that of its zero point, else `output_dtype`, else uint8. */
export const outputTypeOf = (node: ImportNode, zero: Value | undefined): number =>
  (zero === undefined ? undefined : node.elementType(zero)) ??
  (node.int("output_dtype", 0) || T.UINT8);

/** A quantised value as int32, or as floats if it is differentiated straight through. */
export const quantizedValue = (node: ImportNode, v: Value, type: number): Value =>
  node.withElementType(node.straightThrough && !node.isConstant(v) ? v : g.cast(v, "int32"), type);

/** (x, scale, zero?) ↦ x quantised to the type of the zero point. */
export function quantizeLinear(node: ImportNode): Value {
  const x = node.input(0);
  const axis =
    x.shape.length === 0 ? 0 : axisOf(node, node.int("axis", 1), Math.max(x.shape.length, 2));
  const type = outputTypeOf(node, node.inputs[2]);
  const [scale, zero] = [1, 2].map((i) => {
    const v = node.inputs[i];
    return v === undefined ? undefined : broadcastable(node, v, x, axis);
  });
  return quantizedValue(node, quantized(node, x, scale as Value, zero, type), type);
}

/** (x, scale, zero?) ↦ (x − zero)·scale. */
export function dequantizeLinear(node: ImportNode): Value {
  const x = node.input(0);
  const axis =
    x.shape.length === 0 ? 0 : axisOf(node, node.int("axis", 1), Math.max(x.shape.length, 2));
  const [scale, zero] = [1, 2].map((i) => {
    const v = node.inputs[i];
    return v === undefined ? undefined : broadcastable(node, v, x, axis);
  });
  return dequantized(x, scale as Value, zero);
}

/** x quantised to uint8 (y, as floats), with the scale and zero point (offset) of the range of x and 0. */
export function dynamicallyQuantized(node: ImportNode, x: Value) {
  const zero = g.scalarLike(x, 0);
  const high = g.maximum(g.max(x), zero);
  const low = g.minimum(g.neg(g.max(g.neg(x))), zero);
  const scale = g.div(g.sub(high, low), g.scalarLike(x, 255));
  const offset = g.clip(g.round(g.div(g.neg(low), scale)), 0, 255);
  return { y: quantized(node, x, scale, offset, T.UINT8), scale, offset };
}

function dynamicQuantizeLinear(node: ImportNode): Value[] {
  const { y, scale, offset } = dynamicallyQuantized(node, node.input(0));
  return [
    quantizedValue(node, y, T.UINT8),
    scale,
    node.withElementType(g.cast(offset, "int32"), T.UINT8),
  ];
}

/** Weights of a convolution minus their zero point, which is one number or one per output channel. */
function centredWeights(node: ImportNode, w: number, zero: number): Value {
  const value = real(node.input(w));
  const offset = node.inputs[zero];
  return offset === undefined ? value : g.sub(value, broadcastable(node, real(offset), value, 0));
}

/** Input x minus its zero point, which is one number as [] or [1], or broadcasts to x. */
function centred(node: ImportNode, x: number, zero: number): Value {
  const [value, offset] = [real(node.input(x)), node.inputs[zero]];
  if (offset === undefined) return value;
  const shape = offset.shape.length > 1 ? offset.shape : offset.shape.filter((n) => n !== 1);
  return g.sub(value, g.reshape(real(offset), shape));
}

/** The convolution that the node's attributes describe, without a bias. */
function convOf(node: ImportNode, x: Value, w: Value): Value {
  const geometry = geometryOf(node, x.shape.slice(2), w.shape.slice(2));
  return convolution(node, x, w, geometry, node.int("group", 1));
}

/** Sums of products of 8-bit integers, exact in float32 up to 2²⁴. */
const convInteger: Importer = (node) =>
  quantizedValue(node, convOf(node, centred(node, 0, 2), centredWeights(node, 1, 3)), T.INT32);

/** (a, b, a's zero point?, b's zero point?) ↦ (a − zero)·(b − zero). */
function matmulInteger(node: ImportNode): Value {
  const [a, b] = [real(node.input(0)), real(node.input(1))];
  const [za, zb] = [node.inputs[2], node.inputs[3]];
  const left = za === undefined ? a : g.sub(a, column(real(za)));
  const right = zb === undefined ? b : g.sub(b, real(zb));
  return quantizedValue(node, matmul(left, right), T.INT32);
}

/** A scale or zero point per row of the left factor, [rows], as a column [rows, 1]. */
const column = (v: Value): Value =>
  v.shape.length === 1 && v.shape[0] > 1 ? g.reshape(v, [v.shape[0], 1]) : v;

/**
 * (x, scale, zero, w, scale, zero, scale, zero, bias?). The bias is in units of the product of the
 * first two scales.
 */
export function qLinearConv(node: ImportNode): Value {
  const [x, w] = [centred(node, 0, 2), centredWeights(node, 3, 5)];
  const [xScale, wScale, bias] = [node.input(1), node.input(4), node.inputs[8]];
  const y = convOf(node, x, w);
  const biased = bias === undefined ? y : g.add(y, perChannel(real(bias), y.shape.length));
  const scale = g.mul(broadcastable(node, real(wScale), biased, 1), g.reshape(real(xScale), []));
  const type = outputTypeOf(node, node.inputs[7]);
  const zero = node.inputs[7] === undefined ? undefined : g.reshape(node.inputs[7], []);
  return quantizedValue(
    node,
    quantized(node, g.mul(biased, scale), g.reshape(node.input(6), []), zero, type),
    type,
  );
}

/** (a, scale, zero, b, scale, zero, scale, zero). */
function qLinearMatMul(node: ImportNode): Value {
  const a = dequantized(
    node.input(0),
    column(node.input(1)),
    node.inputs[2] && column(node.inputs[2]),
  );
  const b = dequantized(node.input(3), node.input(4), node.inputs[5]);
  const type = outputTypeOf(node, node.inputs[7]);
  return quantizedValue(
    node,
    quantized(node, matmul(a, b), node.input(6), node.inputs[7], type),
    type,
  );
}

/** Importers of the quantised operators of the standard domain. */
export const quantization: Importers = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  ConvInteger: convInteger,
  MatMulInteger: matmulInteger,
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
};
