// Operators that ONNX Runtime writes when it optimises a file (domain com.microsoft).

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { gelu, geluTanh } from "./activations.ts";
import { times } from "./arithmetic.ts";
import { fusedActivation } from "./fused-activation.ts";
import type { Importer, Importers } from "./import-node.ts";
import { conv, gemm, matmul } from "./linear.ts";
import { matMulNBits } from "./matmul-nbits.ts";
import { microsoftAttentions } from "./microsoft-attention.ts";
import { layerNormalized, rmsNormalized } from "./normalization.ts";
import { microsoftQuantization } from "./quantization.ts";
import { microsoftRotaryEmbedding } from "./rotary.ts";

const fusedConv: Importer = (node) => {
  const y = conv(node);
  const sum = node.inputs[3];
  return fusedActivation(node, sum === undefined ? y : g.add(y, sum));
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

const fusedMatMul: Importer = (node) => {
  const [a, b] = (["A", "B"] as const).map((side, i) =>
    transposed(
      batchFirst(node.input(i), node.int(`transBatch${side}`, 0) === 1),
      node.int(`trans${side}`, 0) === 1,
    ),
  );
  return times(matmul(a, b), node.float("alpha", 1));
};

/** x + skip + bias, the last where it is given. */
function summed(x: Value, skip: Value, bias: Value | undefined): Value {
  const plain = g.add(x, skip);
  return bias === undefined ? plain : g.add(plain, bias);
}

/** LayerNormalization of a sum: (x, skip, scale, shift, bias) → (y, mean, inverse deviation, sum). */
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

/** By the root mean square of a sum: (x, skip, scale, bias) → (y, nothing, inverse root, sum). */
const skipSimplified: Importer = (node) => {
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

const biased =
  (f: (x: Value) => Value): Importer =>
  (node) => {
    const bias = node.inputs[1];
    return f(bias === undefined ? node.input(0) : g.add(node.input(0), bias));
  };

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
  SkipSimplifiedLayerNormalization: skipSimplified,
  RotaryEmbedding: microsoftRotaryEmbedding,
  MatMulNBits: matMulNBits,
};
