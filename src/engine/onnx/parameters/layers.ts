// The inputs of operators that hold the weights of a layer. A new layer needs one more row.

import type { NodeProto } from "onnx-buf";
import { lookUp } from "../../../math/look-up.ts";
import { domainOf } from "../model.ts";

/** The positions of the inputs that hold the parameters of a layer. */
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

/** The layer of a node; undefined if its operator is not a layer. */
export const layerOf = ({ domain, opType }: NodeProto): Layer | undefined =>
  lookUp(lookUp(layers, domainOf(domain)) ?? {}, opType);

/** Whether a node adds or multiplies. Exporters write biases of MatMul and decomposed normalisations in this way. */
export const isScaleOrShift = ({ domain, opType }: NodeProto): boolean =>
  domainOf(domain) === "" && (opType === "Add" || opType === "Mul");

/** Whether a node computes with quantised numbers. */
export const isQuantised = ({ opType }: NodeProto): boolean =>
  /^(QLinear|QGemm|QAttention|QOrdered)|[Qq]uantize|Integer|NBits|Bnb4/.test(opType);
