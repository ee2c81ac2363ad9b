// Quantised operators as what they approximate: real numbers, rounded to a grid where the file rounds.

import { TensorProto_DataType as T } from "onnx-buf";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { rangeOf } from "../tensors.ts";
import { stepwise } from "./elementwise.ts";
import { convolution, geometryOf, perChannel } from "./geometry.ts";
import { axisOf, type Importer, type Importers, type ImportNode } from "./import-node.ts";
import { matmul } from "./linear.ts";
import { pooling } from "./pooling.ts";

/** A scale or zero point, one or one per slice along an axis or per block, as something x can be multiplied by. */
function along(node: ImportNode, v: Value, x: Value, axis: number): Value {
  if (v.shape.length === 0 || (v.shape.length === 1 && v.shape[0] === 1)) return g.reshape(v, []);
  if (v.shape.length === 1)
    return g.reshape(
      v,
      x.shape.map((n, i) => (i === axis ? n : 1)),
    );
  // Per block: each number counts for block_size neighbours along the axis.
  const block = node.int("block_size", 0) || x.shape[axis] / v.shape[axis];
  const split = v.shape.toSpliced(axis + 1, 0, 1);
  const repeated = g.reshape(
    g.expand(g.reshape(v, split), split.with(axis + 1, block)),
    v.shape.with(axis, v.shape[axis] * block),
  );
  return g.sliceAxis(repeated, axis, 0, x.shape[axis]);
}

const real = (v: Value): Value => (v.dtype === "float64" ? v : g.cast(v, "float32"));

/** (x − zero)·scale. */
function dequantized(x: Value, scale: Value, zero: Value | undefined): Value {
  const centred = zero === undefined ? real(x) : g.sub(real(x), real(zero));
  return g.mul(centred, real(scale));
}

/** round(x/scale) + zero, kept within the element type, as real numbers. */
function quantized(
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

/** The element type that a zero point gives a quantised value. */
const typeOf = (node: ImportNode, zero: Value | undefined): number =>
  (zero === undefined ? undefined : node.elementType(zero)) ??
  (node.int("output_dtype", 0) || T.UINT8);

/** A quantised value stays real where a gradient is to pass; elsewhere it is the whole number that the file has. */
const whole = (node: ImportNode, v: Value, type: number): Value =>
  node.withElementType(node.straightThrough && !node.isConstant(v) ? v : g.cast(v, "int32"), type);

function quantizeLinear(node: ImportNode): Value {
  const x = node.input(0);
  const axis =
    x.shape.length === 0 ? 0 : axisOf(node, node.int("axis", 1), Math.max(x.shape.length, 2));
  const type = typeOf(node, node.inputs[2]);
  const [scale, zero] = [1, 2].map((i) => {
    const v = node.inputs[i];
    return v === undefined ? undefined : along(node, v, x, axis);
  });
  return whole(node, quantized(node, x, scale as Value, zero, type), type);
}

function dequantizeLinear(node: ImportNode): Value {
  const x = node.input(0);
  const axis =
    x.shape.length === 0 ? 0 : axisOf(node, node.int("axis", 1), Math.max(x.shape.length, 2));
  const [scale, zero] = [1, 2].map((i) => {
    const v = node.inputs[i];
    return v === undefined ? undefined : along(node, v, x, axis);
  });
  return dequantized(x, scale as Value, zero);
}

/** Scale, zero point and 8-bit values of the whole range of x, which always contains 0. */
function dynamicallyQuantized(node: ImportNode, x: Value) {
  const zero = g.scalarLike(x, 0);
  const high = g.maximum(g.max(x), zero);
  const low = g.minimum(g.neg(g.max(g.neg(x))), zero);
  const scale = g.div(g.sub(high, low), g.scalarLike(x, 255));
  const offset = g.clip(g.round(g.div(g.neg(low), scale)), 0, 255);
  return { y: quantized(node, x, scale, offset, T.UINT8), scale, offset };
}

function dynamicQuantizeLinear(node: ImportNode): Value[] {
  const { y, scale, offset } = dynamicallyQuantized(node, node.input(0));
  return [whole(node, y, T.UINT8), scale, node.withElementType(g.cast(offset, "int32"), T.UINT8)];
}

/** Weights of a convolution less their zero point, one or one per output channel. */
function weights(node: ImportNode, w: number, zero: number): Value {
  const value = real(node.input(w));
  const offset = node.inputs[zero];
  return offset === undefined ? value : g.sub(value, along(node, real(offset), value, 0));
}

const less = (node: ImportNode, x: number, zero: number): Value => {
  const [value, offset] = [real(node.input(x)), node.inputs[zero]];
  return offset === undefined
    ? value
    : g.sub(
        value,
        g.reshape(
          real(offset),
          offset.shape.length > 1 ? offset.shape : offset.shape.filter((n) => n !== 1),
        ),
      );
};

function convOf(node: ImportNode, x: Value, w: Value): Value {
  const geometry = geometryOf(node, x.shape.slice(2), w.shape.slice(2));
  return convolution(node, x, w, geometry, node.int("group", 1));
}

/** Sums of products of 8-bit numbers, exact in float32 up to 2²⁴. */
const convInteger: Importer = (node) =>
  whole(node, convOf(node, less(node, 0, 2), weights(node, 1, 3)), T.INT32);

/** A zero point per row of the left factor stands as a column. */
function matmulInteger(node: ImportNode): Value {
  const [a, b] = [real(node.input(0)), real(node.input(1))];
  const [za, zb] = [node.inputs[2], node.inputs[3]];
  const left = za === undefined ? a : g.sub(a, column(real(za)));
  const right = zb === undefined ? b : g.sub(b, real(zb));
  return whole(node, matmul(left, right), T.INT32);
}

const column = (v: Value): Value =>
  v.shape.length === 1 && v.shape[0] > 1 ? g.reshape(v, [v.shape[0], 1]) : v;

function qLinearConv(node: ImportNode): Value {
  const [x, w] = [less(node, 0, 2), weights(node, 3, 5)];
  const [xScale, wScale, bias] = [node.input(1), node.input(4), node.inputs[8]];
  const y = convOf(node, x, w);
  const biased = bias === undefined ? y : g.add(y, perChannel(real(bias), y.shape.length));
  const scale = g.mul(along(node, real(wScale), biased, 1), g.reshape(real(xScale), []));
  const type = typeOf(node, node.inputs[7]);
  const zero = node.inputs[7] === undefined ? undefined : g.reshape(node.inputs[7], []);
  return whole(
    node,
    quantized(node, g.mul(biased, scale), g.reshape(node.input(6), []), zero, type),
    type,
  );
}

function qLinearMatMul(node: ImportNode): Value {
  const a = dequantized(
    node.input(0),
    column(node.input(1)),
    node.inputs[2] && column(node.inputs[2]),
  );
  const b = dequantized(node.input(3), node.input(4), node.inputs[5]);
  const type = typeOf(node, node.inputs[7]);
  return whole(node, quantized(node, matmul(a, b), node.input(6), node.inputs[7], type), type);
}

/** An operator of ONNX Runtime on quantised values: (a, scale, zero[, b, scale, zero], scale, zero). */
const onQuantized =
  (operands: 1 | 2, f: (node: ImportNode, ...values: Value[]) => Value): Importer =>
  (node) => {
    const values = Array.from({ length: operands }, (_, i) =>
      dequantized(node.input(3 * i), node.input(3 * i + 1), node.inputs[3 * i + 2]),
    );
    const last = 3 * operands;
    const type = typeOf(node, node.inputs[last + 1] ?? node.inputs[2]);
    const y = f(node, ...values);
    return whole(node, quantized(node, y, node.input(last), node.inputs[last + 1], type), type);
  };

/** Joined after each part is brought to the common scale: (scale, zero, then value, scale, zero per part). */
const qLinearConcat: Importer = (node) => {
  const parts: Value[] = [];
  for (let i = 2; i + 1 < node.inputs.length; i += 3)
    parts.push(dequantized(node.input(i), node.input(i + 1), node.inputs[i + 2]));
  const joined = g.concat(parts, axisOf(node, node.int("axis", 1), parts[0].shape.length));
  const type = typeOf(node, node.inputs[1]);
  return whole(node, quantized(node, joined, node.input(0), node.inputs[1], type), type);
};

const channelsFirst = (x: Value): Value => {
  const last = x.shape.length - 1;
  return g.transpose(x, [0, last, ...x.shape.map((_, i) => i).slice(1, -1)]);
};

const channelsLast = (x: Value): Value => {
  const axes = x.shape.map((_, i) => i);
  return g.transpose(x, [0, ...axes.slice(2), 1]);
};

/** An operator on images whose channels stand last, where the node says so or always does. */
const onImages =
  (f: (node: ImportNode) => Value, always = false): Importer =>
  (node) => {
    if (!always && node.int("channels_last", 0) === 0) return f(node);
    const x = channelsFirst(node.input(0));
    const inputs = [x, ...node.inputs.slice(1)];
    const y = f({ ...node, inputs, input: (i) => (i === 0 ? x : node.input(i)) });
    const type = node.elementType(y);
    return type === undefined ? channelsLast(y) : node.withElementType(channelsLast(y), type);
  };

/** α·A·B with a bias in the same units, quantised where the node says how. */
const qGemm: Importer = (node) => {
  const turned = (x: Value, name: string) => (node.int(name, 0) === 1 ? g.transpose(x, [1, 0]) : x);
  const a = turned(dequantized(node.input(0), node.input(1), node.inputs[2]), "transA");
  const weights = turned(real(node.input(3)), "transB");
  const zero = node.inputs[5];
  const centred = zero === undefined ? weights : g.sub(weights, real(zero));
  const b = g.mul(centred, real(node.input(4)));
  const product = matmul(a, b);
  const bias = node.inputs[6];
  const unit = g.mul(real(node.input(1)), real(node.input(4)));
  const sum = bias === undefined ? product : g.add(product, g.mul(real(bias), unit));
  const y = g.mul(sum, g.scalarLike(sum, node.float("alpha", 1)));
  if (node.inputs[7] === undefined) return y;
  const type = typeOf(node, node.inputs[8]);
  return whole(node, quantized(node, y, node.input(7), node.inputs[8], type), type);
};

export const quantization: Importers = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  ConvInteger: convInteger,
  MatMulInteger: matmulInteger,
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
};

/** The ones of ONNX Runtime (domain com.microsoft). */
export const microsoftQuantization: Importers = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  QLinearAdd: onQuantized(2, (_, a, b) => g.add(a, b)),
  QLinearMul: onQuantized(2, (_, a, b) => g.mul(a, b)),
  QLinearSigmoid: onQuantized(1, (_, x) => g.sigmoid(x)),
  QLinearLeakyRelu: onQuantized(1, (node, x) =>
    g.sub(g.relu(x), g.mul(g.scalarLike(x, node.float("alpha", 0.01)), g.relu(g.neg(x)))),
  ),
  QLinearSoftmax: onQuantized(1, (node, x) =>
    g.softmax(x, axisOf(node, node.int("axis", -1), x.shape.length)),
  ),
  QLinearGlobalAveragePool: onQuantized(1, (node, x) => {
    const last = node.int("channels_last", 0) === 1;
    const axes = x.shape.map((_, axis) => axis);
    return g.mean(x, last ? axes.slice(1, -1) : axes.slice(2), true);
  }),
  QLinearReduceMean: onQuantized(1, (node, x) => {
    const axes = node.ints("axes") ?? x.shape.map((_, axis) => axis);
    return g.mean(
      x,
      axes.map((axis) => axisOf(node, axis, x.shape.length)),
      node.int("keepdims", 1) === 1,
    );
  }),
  QLinearConcat: qLinearConcat,
  QLinearConv: onImages(qLinearConv),
  QLinearAveragePool: onImages((node) => {
    const average = (_: ImportNode, x: Value) =>
      [pooling.AveragePool({ ...node, inputs: [x], input: () => x })].flat()[0];
    return [onQuantized(1, average)(node)].flat()[0];
  }),
  NhwcMaxPool: onImages((node) => {
    return [pooling.MaxPool({ ...node, outputs: 1 })].flat()[0];
  }, true),
  QGemm: qGemm,
  DynamicQuantizeMatMul: (node) => {
    const b = dequantized(node.input(1), node.input(2), node.inputs[3]);
    const a = dynamicallyQuantized(node, real(node.input(0)));
    const y = matmul(dequantized(a.y, a.scale, a.offset), b);
    const bias = node.inputs[4];
    return bias === undefined ? y : g.add(y, bias);
  },
  MatMulIntegerToFloat: (node) => {
    const a = dequantized(node.input(0), node.input(2), node.inputs[4]);
    const b = dequantized(node.input(1), node.input(3), node.inputs[5]);
    const bias = node.inputs[6];
    return bias === undefined ? matmul(a, b) : g.add(matmul(a, b), bias);
  },
};
