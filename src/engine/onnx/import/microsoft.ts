// Operators that ONNX Runtime writes when it optimises a file (domain com.microsoft, version 1):
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { gelu, geluTanh } from "./activations.ts";
import { times } from "./arithmetic.ts";
import { fusedActivation } from "./fused-activation.ts";
import type { Importer, Importers } from "./import-node.ts";
import { conv, gemm, matmul } from "./linear.ts";
import { matMulNBits } from "./matmul-nbits.ts";
import { microsoftAttentions } from "./microsoft-attention.ts";
import { microsoftQuantization } from "./microsoft-quantization.ts";
import { layerNormalized, rmsNormalized } from "./normalization.ts";
import { microsoftRotaryEmbedding } from "./rotary.ts";

/** (x, w, bias?, sum?) ↦ activation(conv(x, w) + bias + sum). */
const fusedConv: Importer = (node) => {
  const y = conv(node);
  const sum = node.inputs[3];
  return fusedActivation(node, sum === undefined ? y : g.add(y, sum));
};

/** x with its last two axes swapped. */
function transposed(x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  return g.transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

/** [rows, ...batch, columns] → [...batch, rows, columns]. */
function batchFirst(x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  return g.transpose(x, [...axes.slice(1, -1), 0, axes.length - 1]);
}

/** α·A·B. The attributes say which factors are transposed. */
const fusedMatMul: Importer = (node) => {
  const [a, b] = ["A", "B"].map((side, i) => {
    const x = node.input(i);
    const ordered = node.int(`transBatch${side}`, 0) === 1 ? batchFirst(x) : x;
    return node.int(`trans${side}`, 0) === 1 ? transposed(ordered) : ordered;
  });
  return times(matmul(a, b), node.float("alpha", 1));
};

/** x + skip + bias; the bias is optional. */
function summed(x: Value, skip: Value, bias: Value | undefined): Value {
  const sum = g.add(x, skip);
  return bias === undefined ? sum : g.add(sum, bias);
}

/** Layer normalisation of a sum: (x, skip, scale, shift?, bias?) ↦ (y, mean, inverse deviation, sum). */
const skipLayerNormalization: Importer = (node) => {
  const sum = summed(node.input(0), node.input(1), node.inputs[4]);
  const axes = [sum.shape.length - 1];
  const { scaled, mean, inverse } = layerNormalized(
    sum,
    axes,
    node.float("epsilon", 1e-12),
    node.input(2),
  );
  const shift = node.inputs[3];
  return [shift === undefined ? scaled : g.add(scaled, shift), mean, inverse, sum];
};

/** RMS normalisation of a sum: (x, skip, scale, bias?) ↦ (y, mean, inverse root mean square, sum). */
const skipSimplifiedLayerNormalization: Importer = (node) => {
  const sum = summed(node.input(0), node.input(1), node.inputs[3]);
  const axes = [sum.shape.length - 1];
  const { scaled, mean, inverse } = rmsNormalized(
    sum,
    axes,
    node.float("epsilon", 1e-12),
    node.input(2),
  );
  return [scaled, mean, inverse, sum];
};

/** An importer of f(x + bias); the bias is optional. */
const biased =
  (f: (x: Value) => Value): Importer =>
  (node) => {
    const bias = node.inputs[1];
    return f(bias === undefined ? node.input(0) : g.add(node.input(0), bias));
  };

/** Importers of the domain com.microsoft. */
export const microsoft: Importers = {
  ...microsoftQuantization,
  ...microsoftAttentions,
  FusedConv: fusedConv,
  FusedGemm: (node) => fusedActivation(node, gemm(node)),
  FusedMatMul: fusedMatMul,
  TransposeMatMul: fusedMatMul,
  Gelu: biased(gelu),
  BiasGelu: biased(gelu),
  FastGelu: biased(geluTanh),
  QuickGelu: (node) => {
    const x = node.input(0);
    return g.mul(x, g.sigmoid(times(x, node.float("alpha", 1.702))));
  },
  BiasAdd: (node) => g.add(g.add(node.input(0), node.input(1)), node.input(2)),
  SkipLayerNormalization: skipLayerNormalization,
  SkipSimplifiedLayerNormalization: skipSimplifiedLayerNormalization,
  RotaryEmbedding: microsoftRotaryEmbedding,
  MatMulNBits: matMulNBits,
};
