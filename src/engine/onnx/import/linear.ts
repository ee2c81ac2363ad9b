// Matrix products and convolutions:
// https://onnx.ai/onnx/operators/onnx__MatMul.html (the same in all versions)
// https://onnx.ai/onnx/operators/onnx__Gemm.html (before opset 7 `broadcast` lets C broadcast,
// before opset 11 C is required)
// https://onnx.ai/onnx/operators/onnx__Conv.html (the same in all versions)

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { times } from "./arithmetic.ts";
import { permuted } from "./constants.ts";
import { convolution, geometryOf, perChannel } from "./geometry.ts";
import type { Importers, ImportNode } from "./import-node.ts";

/** `numpy.matmul`: a value with one axis is a row on the left and a column on the right. */
export function matmul(a: Value, b: Value): Value {
  const left = a.shape.length === 1 ? g.reshape(a, [1, a.shape[0]]) : a;
  const right = b.shape.length === 1 ? g.reshape(b, [b.shape[0], 1]) : b;
  const product = g.matmul(left, right);
  const rank = product.shape.length;
  const added: number[] = [];
  if (a.shape.length === 1) added.push(rank - 2);
  if (b.shape.length === 1) added.push(rank - 1);
  return g.reshape(
    product,
    product.shape.filter((_, axis) => !added.includes(axis)),
  );
}

const transposed = (x: Value): Value => {
  const axes = x.shape.map((_, axis) => axis);
  return permuted(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
};

/** (A, B, C?) ↦ α·A·B + β·C. Either factor may be transposed. C is broadcast in all opsets. */
export function gemm(node: ImportNode): Value {
  const a = node.int("transA", 0) === 0 ? node.input(0) : transposed(node.input(0));
  const b = node.int("transB", 0) === 0 ? node.input(1) : transposed(node.input(1));
  const product = times(g.matmul(a, b), node.float("alpha", 1));
  const c = node.inputs[2];
  return c === undefined ? product : g.add(product, times(c, node.float("beta", 1)));
}

/**
 * The convolution of x [batch, in, ...spatial] with w [out, in / groups, ...kernel], plus the bias
 * [out] in input 2.
 */
export function conv(node: ImportNode, x = node.input(0), w = node.input(1)): Value {
  const groups = node.int("group", 1);
  const geometry = geometryOf(node, x.shape.slice(2), w.shape.slice(2));
  const y = convolution(node, x, w, geometry, groups);
  const bias = node.inputs[2];
  return bias === undefined ? y : g.add(y, perChannel(g.cast(bias, y.dtype), y.shape.length));
}

/** Importers of matrix products and convolutions. */
export const linear: Importers = {
  MatMul: (node) => matmul(node.input(0), node.input(1)),
  Gemm: gemm,
  Conv: (node) => conv(node),
};
