// Normalisations, most of them (x − mean)/√(variance + ε)·scale + bias over some axes:
// https://onnx.ai/onnx/operators (BatchNormalization, LayerNormalization, LpNormalization, LRN, …)
//
// BatchNormalization: `is_test` before opset 7, `spatial` before opset 9, `training_mode` since
// opset 14; in between, more than one output means training. GroupNormalization: scale and bias per
// group in opset 18, per channel since opset 21. MeanVarianceNormalization: `across_channels`
// instead of axes before opset 9. RMSNormalization: opset 23.

import { TensorProto_DataType as T } from "onnx-buf";
import { elementCount } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { perChannel } from "./geometry.ts";
import { axisOf, type Importers, type ImportNode } from "./import-node.ts";

/** (x − mean)/√(variance + ε) over the axes. */
function standardized(x: Value, axes: readonly number[], epsilon: number): Value {
  const centred = g.sub(x, g.mean(x, axes, true));
  const variance = g.mean(g.mul(centred, centred), axes, true);
  return g.div(centred, g.sqrt(g.add(variance, g.scalarLike(x, epsilon))));
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

/** Whether the node uses the statistics of the batch. */
function isTraining(node: ImportNode): boolean {
  if (node.opset >= 14) return node.int("training_mode", 0) === 1;
  return node.outputs > 1 && (node.opset >= 7 || node.int("is_test", 0) === 0);
}

/** (scale, bias, mean, variance) in shapes that broadcast to x: per channel, or per activation if `spatial` is 0. */
function statisticsOf(node: ImportNode, x: Value): Value[] {
  const inputs = [1, 2, 3, 4].map((i) => node.input(i));
  const isPerChannel = node.opset >= 9 || node.int("spatial", 1) !== 0;
  const needed = isPerChannel ? x.shape.slice(1, 2) : x.shape.slice(1);
  for (const { shape } of inputs)
    if (elementCount(shape) !== elementCount(needed))
      throw node.invalid(
        `scale, bias, mean and variance must have shape [${needed.join(", ")}] for an input of shape [${x.shape.join(", ")}], but one has [${shape.join(", ")}]`,
      );
  return inputs.map((v) =>
    isPerChannel ? perChannel(v, x.shape.length) : g.reshape(v, [1, ...needed]),
  );
}

/**
 * x·s + (bias − mean·s) with s = scale/√(variance + ε). In training mode it uses the statistics of
 * the batch and adds a note.
 */
function batchNormalization(node: ImportNode): Value {
  const x = node.input(0);
  const rank = x.shape.length;
  const [scale, bias, mean, variance] = statisticsOf(node, x);
  const epsilon = node.float("epsilon", 1e-5);
  if (isTraining(node)) {
    node.note({
      code: "training-mode",
      text: "the file was exported in training mode: its batch normalisation makes the scores of an image depend on the other images of the batch; export it in evaluation mode (model.eval())",
    });
    const axes = range(0, rank).filter((axis) => scale.shape[axis] === 1);
    return g.add(g.mul(standardized(x, axes, epsilon), scale), bias);
  }
  const s = g.div(scale, g.sqrt(g.add(variance, g.scalarLike(variance, epsilon))));
  return g.add(g.mul(x, g.cast(s, x.dtype)), g.cast(g.sub(bias, g.mul(mean, s)), x.dtype));
}

function instanceNormalization(node: ImportNode): Value {
  const x = node.input(0);
  const rank = x.shape.length;
  const y = standardized(x, range(2, rank), node.float("epsilon", 1e-5));
  return g.add(g.mul(y, perChannel(node.input(1), rank)), perChannel(node.input(2), rank));
}

/** Normalises over the channels of each group (Wu & He 2018, arXiv:1803.08494). */
function groupNormalization(node: ImportNode): Value {
  const x = node.input(0);
  const [batch, channels, ...spatial] = x.shape;
  const groups = node.int("num_groups", 1);
  const grouped = g.reshape(x, [batch, groups, (channels / groups) * elementCount(spatial)]);
  const y = standardized(grouped, [2], node.float("epsilon", 1e-5));
  const broadcastable = (v: Value) => {
    const perChannelValue =
      v.shape[0] === channels
        ? v
        : g.expand(g.reshape(v, [groups, 1]), [groups, channels / groups]);
    return perChannel(g.reshape(perChannelValue, [channels]), x.shape.length);
  };
  return g.add(
    g.mul(g.reshape(y, x.shape), broadcastable(node.input(1))),
    broadcastable(node.input(2)),
  );
}

/** The results of a normalisation. */
interface Normalized {
  /** x normalised, times the scale. */
  readonly scaled: Value;
  readonly mean: Value;
  /** 1/√(variance + ε), or 1/√(mean square + ε). */
  readonly inverse: Value;
}

/** (x − mean)/√(variance + ε)·scale over the axes (Ba et al. 2016, arXiv:1607.06450). */
export function layerNormalized(
  x: Value,
  axes: readonly number[],
  epsilon: number,
  scale: Value,
): Normalized {
  const mean = g.mean(x, axes, true);
  const centred = g.sub(x, mean);
  const variance = g.mean(g.mul(centred, centred), axes, true);
  const inverse = inverseRoot(variance, epsilon);
  return { scaled: g.mul(g.mul(centred, inverse), scale), mean, inverse };
}

/** 1/√(square + ε). */
const inverseRoot = (square: Value, epsilon: number): Value =>
  g.div(g.scalarLike(square, 1), g.sqrt(g.add(square, g.scalarLike(square, epsilon))));

/** x/√(mean x² + ε)·scale over the axes (Zhang & Sennrich 2019, arXiv:1910.07467). */
export function rmsNormalized(
  x: Value,
  axes: readonly number[],
  epsilon: number,
  scale: Value,
): Normalized {
  const mean = g.mean(x, axes, true);
  const inverse = inverseRoot(g.mean(g.mul(x, x), axes, true), epsilon);
  return { scaled: g.mul(g.cast(g.mul(x, inverse), scale.dtype), scale), mean, inverse };
}

/** The axes from `axis` on. */
const axesFrom = (node: ImportNode, rank: number): number[] =>
  range(axisOf(node, node.int("axis", -1), rank), rank);

/** x in the precision of the statistics (`stash_type`): float32 or float64. */
const stashed = (node: ImportNode, x: Value): Value =>
  g.cast(x, node.int("stash_type", T.FLOAT) === T.DOUBLE ? "float64" : "float32");

/** (x, scale, bias?) ↦ (y, mean, inverse deviation), over all axes from `axis` on. */
function layerNormalization(node: ImportNode): Value[] {
  const x = node.input(0);
  const axes = axesFrom(node, x.shape.length);
  const epsilon = node.float("epsilon", 1e-5);
  const { scaled, mean, inverse } = layerNormalized(x, axes, epsilon, node.input(1));
  const bias = node.inputs[2];
  return [bias === undefined ? scaled : g.add(scaled, bias), mean, inverse];
}

/** (x, scale) ↦ (y, inverse root mean square), over all axes from `axis` on. */
function rmsNormalization(node: ImportNode): Value[] {
  const x = node.input(0);
  const axes = axesFrom(node, x.shape.length);
  const epsilon = node.float("epsilon", 1e-5);
  const { scaled, inverse } = rmsNormalized(stashed(node, x), axes, epsilon, node.input(1));
  return [scaled, inverse];
}

/** x divided by its ℓp norm along an axis. A vector of norm 0 gives 0, as in ONNX Runtime. */
function lpNormalization(node: ImportNode): Value {
  const x = node.input(0);
  const axis = axisOf(node, node.int("axis", -1), x.shape.length);
  const isL1 = node.int("p", 2) === 1;
  const power = g.sum(isL1 ? g.abs(x) : g.mul(x, x), [axis], true);
  const positive = g.clip(power, 1e-38, Number.POSITIVE_INFINITY);
  return g.div(x, isL1 ? positive : g.sqrt(positive));
}

/** x/(κ + α/size · Σ x² over neighbouring channels)^β (Krizhevsky et al. 2012, §3.3). */
function localResponseNormalization(node: ImportNode): Value {
  const x = node.input(0);
  const [batch, channels, ...spatial] = x.shape;
  const size = node.int("size", 1);
  const pixels = elementCount(spatial);
  const before = Math.floor((size - 1) / 2);
  const mean = g.averagePool(g.reshape(g.mul(x, x), [batch, 1, channels, pixels]), {
    kernel: [size, 1],
    pads: [before, 0, size - 1 - before, 0],
  });
  const sum = g.mul(g.reshape(mean, x.shape), g.scalarLike(x, node.float("alpha", 1e-4)));
  const beta = g.scalarLike(x, node.float("beta", 0.75));
  return g.div(x, g.pow(g.add(sum, g.scalarLike(x, node.float("bias", 1))), beta));
}

/**
 * (x − mean)/(√variance + 10⁻⁹), with gradient 0 at variance 0. Before opset 9 over all axes except
 * the channels, or over all axes (`across_channels`), as in ONNX Runtime.
 */
function meanVarianceNormalization(node: ImportNode): Value {
  const x = node.input(0);
  const rank = x.shape.length;
  const old = node.opset < 9;
  const axes = old
    ? range(0, rank).filter((axis) => axis !== 1 || node.int("across_channels", 0) !== 0)
    : (node.ints("axes") ?? [0, 2, 3]).map((axis) => axisOf(node, axis, rank));
  const centred = g.sub(x, g.mean(x, axes, true));
  if (old && node.int("normalize_variance", 1) === 0) return centred;
  const variance = g.mean(g.mul(centred, centred), axes, true);
  const deviation = g.sqrt(g.clip(variance, 1e-38, Number.POSITIVE_INFINITY));
  return g.div(centred, g.add(deviation, g.scalarLike(x, 1e-9)));
}

/** Importers of normalisations. */
export const normalization: Importers = {
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: (node) => rmsNormalization(node).slice(0, 1),
  // ONNX Runtime writes this operator, in the standard domain, for a fused RMS normalisation.
  SimplifiedLayerNormalization: rmsNormalization,
  LpNormalization: lpNormalization,
  LRN: localResponseNormalization,
  MeanVarianceNormalization: meanVarianceNormalization,
};
