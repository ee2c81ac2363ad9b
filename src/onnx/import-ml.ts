// The domain ai.onnx.ml, as far as image classifiers end (or begin) with it: files of scikit-learn, Core ML and Azure.

import * as g from "../graph/expressions.ts";
import type { Value } from "../graph/value.ts";
import { own } from "../math/own.ts";
import { tensor } from "../math/tensor.ts";
import { int64 } from "./import-constants.ts";
import type { ImportNode, Translations } from "./import-node.ts";

const row = (values: readonly number[]): Value => g.constant(tensor([values.length], [...values]));

const real = (x: Value): Value => g.cast(x, "float32");

/** (x − offset)·scale, each one number or one per feature. */
function scaler(node: ImportNode): Value {
  const [offset, scale] = [node.floats("offset") ?? [0], node.floats("scale") ?? [1]];
  return g.mul(g.sub(real(node.input(0)), row(offset)), row(scale));
}

/** Each row divided by its largest element, its sum of magnitudes, or its length. */
function normalizer(node: ImportNode): Value {
  const x = real(node.input(0));
  const last = [x.shape.length - 1];
  const kind = node.text("norm", "MAX");
  if (kind === "MAX") return g.div(x, g.max(x, last, true));
  if (kind === "L1") return g.div(x, g.sum(g.abs(x), last, true));
  return g.div(x, g.sqrt(g.clip(g.sum(g.mul(x, x), last, true), 1e-38, Number.POSITIVE_INFINITY)));
}

/** (index of the largest score, scores): x·wᵀ + intercepts. */
function linearClassifier(node: ImportNode): Value[] {
  const x = real(node.input(0));
  const weights = node.floats("coefficients") ?? [];
  const features = x.shape[1];
  const w = g.constant(tensor([weights.length / features, features], [...weights]));
  const product = g.matmul(x, g.transpose(w, [1, 0]));
  const intercepts = node.floats("intercepts") ?? [];
  const scores = intercepts.length === 0 ? product : g.add(product, row(intercepts));
  const after = node.text("post_transform", "NONE");
  const ends: Readonly<Record<string, (v: Value) => Value>> = {
    NONE: (v) => v,
    SOFTMAX: (v) => g.softmax(v),
    LOGISTIC: (v) => g.sigmoid(v),
  };
  const end = own(ends, after);
  if (end === undefined) throw node.error(`ends with ${after}, which cannot be read`);
  if (scores.shape[1] === 1)
    throw node.error("gives a single score; take what comes before it by --output");
  const label = g.reshape(g.argMax(scores, 1), [scores.shape[0]]);
  return [label, end(scores)];
}

/** Columns by index. */
const arrayFeatureExtractor = (node: ImportNode): Value =>
  g.gather(
    node.input(0),
    int64(node.knownInts(1) ?? []),
    Math.max(node.input(0).shape.length - 1, 0),
  );

export const machineLearning: Translations = {
  // A list of one map from class to score per row holds the scores themselves.
  ZipMap: (node) => node.input(0),
  Scaler: scaler,
  Normalizer: normalizer,
  LinearClassifier: linearClassifier,
  ArrayFeatureExtractor: arrayFeatureExtractor,
};
