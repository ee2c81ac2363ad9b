// Quantised operators of ONNX Runtime (domain com.microsoft, version 1), imported as operators on real
// numbers with rounding:
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import {
  axisOf,
  type Importer,
  type Importers,
  type ImportNode,
  importWith,
} from "./import-node.ts";
import { matmul } from "./linear.ts";
import { pooling } from "./pooling.ts";
import {
  dequantized,
  dequantizeLinear,
  dynamicallyQuantized,
  outputTypeOf,
  qLinearConv,
  quantized,
  quantizedValue,
  quantizeLinear,
  real,
} from "./quantization.ts";

/**
 * An importer of f on dequantised operands: (a, scale, zero, then b, scale, zero if there are two,
 * scale, zero) ↦ f quantised.
 */
const onQuantized =
  (operands: 1 | 2, f: (node: ImportNode, ...values: Value[]) => Value): Importer =>
  (node) => {
    const values = Array.from({ length: operands }, (_, i) =>
      dequantized(node.input(3 * i), node.input(3 * i + 1), node.inputs[3 * i + 2]),
    );
    const last = 3 * operands;
    const type = outputTypeOf(node, node.inputs[last + 1] ?? node.inputs[2]);
    const y = f(node, ...values);
    return quantizedValue(
      node,
      quantized(node, y, node.input(last), node.inputs[last + 1], type),
      type,
    );
  };

/** The concatenation of parts, requantised: (scale, zero, then value, scale, zero per part). */
const qLinearConcat: Importer = (node) => {
  const parts: Value[] = [];
  for (let i = 2; i + 1 < node.inputs.length; i += 3)
    parts.push(dequantized(node.input(i), node.input(i + 1), node.inputs[i + 2]));
  const joined = g.concat(parts, axisOf(node, node.int("axis", 1), parts[0].shape.length));
  const type = outputTypeOf(node, node.inputs[1]);
  return quantizedValue(node, quantized(node, joined, node.input(0), node.inputs[1], type), type);
};

/** [batch, ...spatial, channel] → [batch, channel, ...spatial]. */
const channelsFirst = (x: Value): Value => {
  const last = x.shape.length - 1;
  return g.transpose(x, [0, last, ...x.shape.map((_, i) => i).slice(1, -1)]);
};

/** The inverse of `channelsFirst`. */
const channelsLast = (x: Value): Value => {
  const axes = x.shape.map((_, i) => i);
  return g.transpose(x, [0, ...axes.slice(2), 1]);
};

/**
 * An importer of f for images with channels last: if `channels_last` is set, or always for operators
 * with layout `nhwc`.
 */
const onImages =
  (f: (node: ImportNode) => Value, layout: "stated" | "nhwc" = "stated"): Importer =>
  (node) => {
    if (layout === "stated" && node.int("channels_last", 0) === 0) return f(node);
    const x = channelsFirst(node.input(0));
    const inputs = [x, ...node.inputs.slice(1)];
    const y = f({ ...node, inputs, input: (i) => (i === 0 ? x : node.input(i)) });
    const type = node.elementType(y);
    return type === undefined ? channelsLast(y) : node.withElementType(channelsLast(y), type);
  };

/**
 * α·(A·B + bias), quantised if there is an output scale: (a, scale, zero, b, scale, zero, bias?,
 * scale?, zero?).
 */
const qGemm: Importer = (node) => {
  const oriented = (x: Value, name: string) =>
    node.int(name, 0) === 1 ? g.transpose(x, [1, 0]) : x;
  const a = oriented(dequantized(node.input(0), node.input(1), node.inputs[2]), "transA");
  const weights = oriented(real(node.input(3)), "transB");
  const zero = node.inputs[5];
  const centred = zero === undefined ? weights : g.sub(weights, real(zero));
  const b = g.mul(centred, real(node.input(4)));
  const product = matmul(a, b);
  const bias = node.inputs[6];
  const unit = g.mul(real(node.input(1)), real(node.input(4)));
  const sum = bias === undefined ? product : g.add(product, g.mul(real(bias), unit));
  const y = g.mul(sum, g.scalarLike(sum, node.float("alpha", 1)));
  if (node.inputs[7] === undefined) return y;
  const type = outputTypeOf(node, node.inputs[8]);
  return quantizedValue(node, quantized(node, y, node.input(7), node.inputs[8], type), type);
};

/** Importers of the quantised operators of the domain com.microsoft. */
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
    const isChannelsLast = node.int("channels_last", 0) === 1;
    const axes = x.shape.map((_, axis) => axis);
    return g.mean(x, isChannelsLast ? axes.slice(1, -1) : axes.slice(2), true);
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
    const average = (_: ImportNode, x: Value) => importWith(pooling.AveragePool, node, x);
    return [onQuantized(1, average)(node)].flat()[0];
  }),
  NhwcMaxPool: onImages((node) => [pooling.MaxPool({ ...node, outputs: 1 })].flat()[0], "nhwc"),
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
