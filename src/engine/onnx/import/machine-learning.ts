// Operators of the domain ai.onnx.ml at the beginning or the end of image classifiers that
// scikit-learn, Core ML and Azure export:
// https://onnx.ai/onnx/operators/onnx_aionnxml_LinearClassifier.html and the pages of the other
// operators (version 1)

import { tensor } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { int64 } from "./arithmetic.ts";
import type { Importers, ImportNode } from "./import-node.ts";

const row = (values: readonly number[]): Value => g.constant(tensor([values.length], [...values]));

const real = (x: Value): Value => g.cast(x, "float32");

/** (x − offset)·scale. Both have one number, or one per feature. */
function scaler(node: ImportNode): Value {
  const [offset, scale] = [node.floats("offset") ?? [0], node.floats("scale") ?? [1]];
  return g.mul(g.sub(real(node.input(0)), row(offset)), row(scale));
}

/** Divides each row by its maximum, its ℓ1 norm or its ℓ2 norm. */
function normalizer(node: ImportNode): Value {
  const x = real(node.input(0));
  const last = [x.shape.length - 1];
  const kind = node.string("norm", "MAX");
  // A row with a maximum of 0 stays unchanged.
  if (kind === "MAX") {
    const top = g.max(x, last, true);
    return g.div(x, g.where(g.equal(top, g.scalar(0)), g.scalar(1), top));
  }
  if (kind === "L1")
    return g.div(x, g.clip(g.sum(g.abs(x), last, true), 1e-38, Number.POSITIVE_INFINITY));
  return g.div(x, g.sqrt(g.clip(g.sum(g.mul(x, x), last, true), 1e-38, Number.POSITIVE_INFINITY)));
}

/** The softmax over nonzero scores [batch, class]. A score of 0 gets the probability 0. */
function softmaxZero(v: Value): Value {
  const exponentials = g.exp(g.sub(v, g.max(v, [1], true)));
  const shares = g.where(g.greater(g.abs(v), g.scalar(1e-7)), exponentials, g.scalar(0));
  return g.div(shares, g.sum(shares, [1], true));
}

/** √2 · erf⁻¹(2v − 1) by the approximation that ONNX Runtime uses (Winitzki 2008). */
function probit(v: Value): Value {
  const x = g.sub(g.mul(v, g.scalar(2)), g.scalar(1));
  const logarithm = g.log(g.mul(g.sub(g.scalar(1), x), g.add(g.scalar(1), x)));
  const half = g.add(g.mul(logarithm, g.scalar(0.5)), g.scalar(2 / (Math.PI * 0.147)));
  const root = g.sqrt(g.sub(g.mul(half, half), g.div(logarithm, g.scalar(0.147))));
  return g.mul(g.mul(g.sign(x), g.sqrt(g.sub(root, half))), g.scalar(Math.SQRT2));
}

/** Functions of the scores by `post_transform`. */
const postTransforms: ReadonlyMap<string, (v: Value) => Value> = new Map([
  ["NONE", (v: Value) => v],
  ["SOFTMAX", (v: Value) => g.softmax(v)],
  ["LOGISTIC", g.sigmoid],
  ["SOFTMAX_ZERO", softmaxZero],
  ["PROBIT", probit],
]);

/**
 * A single score s for two classes, as in ONNX Runtime: the label is 1 if s > 0, and the scores are
 * [1 − s, s].
 */
function binaryOutputs(node: ImportNode, score: Value, postTransform: string): Value[] {
  if (postTransform === "PROBIT")
    throw node.unsupported("post_transform PROBIT of a single score is not supported");
  const label = g.cast(g.greater(score, g.scalar(0)), "int64");
  const second = postTransform === "LOGISTIC" ? g.sigmoid(score) : score;
  const scores = g.concat([g.sub(g.scalar(1), second), second], 1);
  return [g.reshape(label, [score.shape[0]]), scores];
}

/** x [batch, feature] ↦ (label [batch], scores [batch, class]), with scores x·wᵀ + intercepts. */
function linearClassifier(node: ImportNode): Value[] {
  const x = real(node.input(0));
  const weights = node.floats("coefficients") ?? [];
  const features = x.shape[1];
  const w = g.constant(tensor([weights.length / features, features], [...weights]));
  const product = g.matmul(x, g.transpose(w, [1, 0]));
  const intercepts = node.floats("intercepts") ?? [];
  const scores = intercepts.length === 0 ? product : g.add(product, row(intercepts));
  const name = node.string("post_transform", "NONE");
  const transform = postTransforms.get(name);
  if (transform === undefined) throw node.unsupported(`post_transform ${name} is not supported`);
  if (scores.shape[1] === 1) return binaryOutputs(node, scores, name);
  const label = g.reshape(g.argMax(scores, 1), [scores.shape[0]]);
  return [label, transform(scores)];
}

/** Columns of x at constant indices. */
const arrayFeatureExtractor = (node: ImportNode): Value =>
  g.gather(
    node.input(0),
    int64(node.constantNumbers(1) ?? []),
    Math.max(node.input(0).shape.length - 1, 0),
  );

/** Importers of the domain ai.onnx.ml. */
export const machineLearning: Importers = {
  // ZipMap makes one map from class to score per row. The import keeps the scores instead.
  ZipMap: (node) => node.input(0),
  Scaler: scaler,
  Normalizer: normalizer,
  LinearClassifier: linearClassifier,
  ArrayFeatureExtractor: arrayFeatureExtractor,
};
