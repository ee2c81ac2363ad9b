// Operators that ONNX Runtime writes when it optimises a file (domain com.microsoft).

import * as g from "../graph/expressions.ts";
import type { Value } from "../graph/value.ts";
import { gelu, geluTanh } from "./import-activations.ts";
import { activated, by } from "./import-fused.ts";
import { conv, gemm, matmul } from "./import-linear.ts";
import type { ImportNode, Translate, Translations } from "./import-node.ts";
import { rmsNormalization, standardized } from "./import-normalization.ts";
import { microsoftQuantization } from "./import-quantized.ts";

const fusedConv: Translate = (node) => {
  const y = conv(node);
  const sum = node.inputs[3];
  return activated(node, sum === undefined ? y : g.add(y, sum));
};

const transposed = (x: Value, does: boolean): Value => {
  const axes = x.shape.map((_, axis) => axis);
  return does ? g.transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]) : x;
};

/** [rows, ...batch, columns] as [...batch, rows, columns]. */
const batchFirst = (x: Value, does: boolean): Value => {
  const axes = x.shape.map((_, axis) => axis);
  return does ? g.transpose(x, [...axes.slice(1, -1), 0, axes.length - 1]) : x;
};

const fusedMatMul: Translate = (node) => {
  const [a, b] = (["A", "B"] as const).map((side, i) =>
    transposed(
      batchFirst(node.input(i), node.int(`transBatch${side}`, 0) === 1),
      node.int(`trans${side}`, 0) === 1,
    ),
  );
  return by(matmul(a, b), node.float("alpha", 1));
};

/** LayerNormalization of a sum: (x, skip, scale, shift, bias) → (y, mean, deviation, sum). */
const skipLayerNormalization: Translate = (node) => {
  const bias = node.inputs[4];
  const plain = g.add(node.input(0), node.input(1));
  const sum = bias === undefined ? plain : g.add(plain, bias);
  const last = sum.shape.length - 1;
  const scaled = g.mul(standardized(sum, [last], node.float("epsilon", 1e-12)), node.input(2));
  const shift = node.inputs[3];
  return [shift === undefined ? scaled : g.add(scaled, shift), sum, sum, sum];
};

const skipSimplified: Translate = (node) => {
  const bias = node.inputs[3];
  const plain = g.add(node.input(0), node.input(1));
  const sum = bias === undefined ? plain : g.add(plain, bias);
  return [rmsNormalization(node, sum, node.input(2)), sum, sum, sum];
};

/** [batch, length, heads·size] → [batch, heads, length, size]. */
function heads(x: Value, count: number): Value {
  const [batch, length, width] = x.shape;
  return g.transpose(g.reshape(x, [batch, length, count, width / count]), [0, 2, 1, 3]);
}

/** softmax(q·kᵀ·scale)·v with the heads joined again. */
function attended(node: ImportNode, q: Value, k: Value, v: Value, bias: Value | undefined): Value {
  const count = node.int("num_heads", 1);
  const [query, key, value] = [q, k, v].map((x) => heads(x, count));
  const size = query.shape[3];
  const scale = node.float("scale", 0) || 1 / Math.sqrt(size);
  const scores = by(g.matmul(query, g.transpose(key, [0, 1, 3, 2])), scale);
  const weights = g.softmax(bias === undefined ? scores : g.add(scores, bias));
  const joined = g.transpose(g.matmul(weights, value), [0, 2, 1, 3]);
  return g.reshape(joined, [joined.shape[0], joined.shape[1], joined.shape[2] * joined.shape[3]]);
}

/** Self-attention with the three projections in one matrix [width, 3·width]. */
const attention: Translate = (node) => {
  if (
    node.inputs[3] !== undefined ||
    node.inputs[4] !== undefined ||
    node.int("unidirectional", 0) === 1
  )
    throw node.error("has a mask, a past or one direction, which image classifiers do not use");
  const product = g.matmul(node.input(0), node.input(1));
  const projected = node.inputs[2] === undefined ? product : g.add(product, node.inputs[2]);
  const total = projected.shape[2];
  const sizes = node.ints("qkv_hidden_sizes") ?? [total / 3, total / 3, total / 3];
  let start = 0;
  const [q, k, v] = sizes.map((size) => {
    start += size;
    return g.sliceAxis(projected, 2, start - size, start);
  });
  return attended(node, q, k, v, node.inputs[5]);
};

/** Attention on projections that are there already; a bias for all three stands in one array. */
const multiHeadAttention: Translate = (node) => {
  if (node.inputs[4] !== undefined || node.inputs[6] !== undefined)
    throw node.error("has a mask or a past, which image classifiers do not use");
  const bias = node.inputs[3];
  let start = 0;
  const [q, k, v] = [0, 1, 2].map((i) => {
    const x = node.input(i);
    if (x.shape.length !== 3) throw node.error("has packed projections, which cannot be read");
    const width = x.shape[2];
    start += width;
    return bias === undefined ? x : g.add(x, g.sliceAxis(bias, 0, start - width, start));
  });
  return attended(node, q, k, v, node.inputs[5]);
};

const biased =
  (f: (x: Value) => Value): Translate =>
  (node) => {
    const bias = node.inputs[1];
    return f(bias === undefined ? node.input(0) : g.add(node.input(0), bias));
  };

export const microsoft: Translations = {
  ...microsoftQuantization,
  FusedConv: fusedConv,
  FusedGemm: (node) => activated(node, gemm(node)),
  FusedMatMul: fusedMatMul,
  TransposeMatMul: fusedMatMul,
  Gelu: biased(gelu),
  BiasGelu: biased(gelu),
  FastGelu: biased(geluTanh),
  QuickGelu: (node) => {
    const x = node.input(0);
    return g.mul(x, g.sigmoid(by(x, node.float("alpha", 1.702))));
  },
  BiasAdd: (node) => g.add(g.add(node.input(0), node.input(1)), node.input(2)),
  SkipLayerNormalization: skipLayerNormalization,
  SkipSimplifiedLayerNormalization: skipSimplified,
  Attention: attention,
  MultiHeadAttention: multiHeadAttention,
};
