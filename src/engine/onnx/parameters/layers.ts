// Which inputs of which operators hold the weights of a layer. One row per operator; a row is all that a new layer needs.

import type { NodeProto } from "onnx-buf";
import { lookUp } from "../../../math/look-up.ts";
import { domainOf } from "../model.ts";

/** Where a layer keeps its arrays, by the position of its inputs. */
export interface Layer {
  /** Weights, scales and biases. */
  readonly weights: readonly number[];
  /** Running mean and variance. */
  readonly statistics?: readonly [mean: number, variance: number];
}

type Layers = Readonly<Record<string, Layer>>;

const product: Layer = { weights: [0, 1] };
const withBias: Layer = { weights: [1, 2] };

const standard: Layers = {
  Conv: withBias,
  ConvTranspose: withBias,
  Gemm: { weights: [0, 1, 2] },
  MatMul: product,
  BatchNormalization: { weights: [1, 2], statistics: [3, 4] },
  InstanceNormalization: withBias,
  GroupNormalization: withBias,
  LayerNormalization: withBias,
  RMSNormalization: { weights: [1] },
  SimplifiedLayerNormalization: { weights: [1] },
};

/** https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md */
const microsoft: Layers = {
  FusedConv: withBias,
  FusedGemm: { weights: [0, 1, 2] },
  FusedMatMul: product,
  TransposeMatMul: product,
  BiasGelu: { weights: [1] },
  FastGelu: { weights: [1] },
  Attention: withBias,
  SkipLayerNormalization: { weights: [2, 3, 4] },
  SkipSimplifiedLayerNormalization: { weights: [2, 3] },
};

const blocked: Layers = { Conv: withBias };

const layers: Readonly<Record<string, Layers>> = {
  "": standard,
  "com.microsoft": microsoft,
  "com.microsoft.nchwc": blocked,
};

/** The arrays of a node's layer; undefined for an operator that is none. */
export const layerOf = ({ domain, opType }: NodeProto): Layer | undefined =>
  lookUp(lookUp(layers, domainOf(domain)) ?? {}, opType);

/** Whether a node scales or shifts its input, as exporters write biases of MatMul and normalisations in parts. */
export const isScaleOrShift = ({ domain, opType }: NodeProto): boolean =>
  domainOf(domain) === "" && (opType === "Add" || opType === "Mul");

/** Whether a node computes with integers that stand for real numbers. */
export const isQuantised = ({ opType }: NodeProto): boolean =>
  /^(QLinear|QGemm|QAttention|QOrdered)|[Qq]uantize|Integer|NBits|Bnb4/.test(opType);
