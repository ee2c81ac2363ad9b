// One-node files of operators that the official archive holds no test of.

import type { NdArray, Shape } from "../src/math/tensor.ts";
import { nodeOf } from "./fixtures/model-fixture.ts";
import { attentionCases } from "./onnx-agree-attention.ts";
import {
  type AgreeCase,
  bytes,
  drawn,
  float,
  floats,
  fused,
  int,
  int64,
  ints,
  list,
  on,
  someBytes,
  text,
} from "./onnx-agree-kit.ts";
import { placeCases } from "./onnx-agree-places.ts";

const learnt = (
  ...[op, x, attributes, more]: [
    string,
    Shape | NdArray,
    AgreeCase["attributes"],
    Partial<AgreeCase>?,
  ]
) => on(op, x, more?.arrays ?? [], attributes, { domain: "ai.onnx.ml", ...more });

const hidden = { hidden_size: int(4) };
const both = { direction: text("bidirectional") };
/** Weights, biases and starts of a recurrent layer with `gates` gates in `d` directions, for x [5, 2, 3]. */
const recurrent = (gates: number, d: number): (NdArray | null)[] => [
  ...[drawn([d, 4 * gates, 3], 5, -1, 1), drawn([d, 4 * gates, 4], 6, -1, 1)],
  ...[drawn([d, 8 * gates], 7), null, drawn([d, 2, 4], 8)],
];
const sloped = { sloped: true };
/** Places (x, y) halfway between the pixels of [5, 6] pictures, from one before the first to one behind the last. */
const betweenPixels = floats(
  [2, 6, 7, 2],
  Array.from({ length: 168 }, (_, i) => {
    const [place, n] = i % 2 === 0 ? [Math.floor(i / 2) % 7, 6] : [Math.floor(i / 14) % 6, 5];
    return (2 * place) / n - 1 + 0.03 * Math.sin(i);
  }),
);
const sampling = ["bilinear", "nearest", "bicubic"].flatMap((mode) =>
  ["zeros", "border", "reflection"].flatMap((padding) =>
    [0, 1].map((align) => ({
      ...{ mode: text(mode), padding_mode: text(padding), align_corners: int(align) },
    })),
  ),
);

const picture = [2, 4, 5, 6];
const scales = (...values: number[]) => [floats([0], []), floats([4], values)];
const sizes = (...values: number[]) => [floats([0], []), floats([0], []), list(values)];
const resized = (arrays: NdArray[], mode: string, coordinates: string, more = {}) =>
  on("Resize", picture, arrays, {
    ...{ mode: text(mode), coordinate_transformation_mode: text(coordinates) },
    ...more,
  });
const scale = floats([], [0.03]);
const zero = bytes([], [120]);
const unary = [
  "Celu",
  "Atan",
  "Sin",
  "Cos",
  "Tan",
  "Sinh",
  "Cosh",
  "Asinh",
  "Floor",
  "Ceil",
  "Round",
];
const kernel = { kernel_shape: ints(3, 2) };

export const agreeCases: AgreeCase[] = [
  ...attentionCases,
  ...placeCases,
  ...unary.map((op) => on(op, [3, 4])),
  ...["Asin", "Acos", "Atanh"].map((op) => on(op, drawn([3, 4], 2, -0.9, 0.9))),
  on("Acosh", drawn([3, 4], 2, 1.1, 3)),
  on("IsNaN", floats([3], [1, Number.NaN, 2])),
  on("IsInf", floats([3], [1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])),
  on("IsInf", floats([2], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]), [], {
    detect_positive: int(0),
  }),
  on("Mod", [3, 4], [drawn([4], 3, 0.5, 1)], { fmod: int(1) }),
  on("Mod", int64([4], [7, -7, 5, -5]), [list([3, 3, -3, -3])]),
  on(
    "Xor",
    [3],
    [drawn([3], 4)],
    {},
    {
      before: [nodeOf("Greater", ["x", "a0"], ["p"]), nodeOf("Less", ["x", "x"], ["q"])],
    },
  ),
  on(
    "Or",
    [3],
    [drawn([3], 4)],
    {},
    {
      before: [nodeOf("Greater", ["x", "a0"], ["p"]), nodeOf("Less", ["x", "a0"], ["q"])],
    },
  ),
  on("CastLike", drawn([3], 4, -9, 9), [int64([1], [0])]),
  on("Size", [3, 4]),
  on(
    "NonZero",
    [2],
    [int64([2, 2], [1, 0, 0, 3])],
    {},
    {
      before: [nodeOf("Identity", ["a0"], ["p"]), nodeOf("Identity", ["x"], ["q"])],
      inputs: ["p"],
    },
  ),
  on(
    "Scatter",
    [3, 4],
    [int64([2, 4], [0, 1, 2, 0, 2, 0, 1, 1]), drawn([2, 4], 5)],
    { axis: int(0) },
    { opset: 10 },
  ),
  on("RMSNormalization", [3, 4], [drawn([4], 5)], {}, { opset: 23 }),
  on("Swish", [3, 4], [], { alpha: float(0.5) }, { opset: 24 }),
  on("Hardmax", [3, 4]),
  on("Shrink", [3, 4], [], { lambd: float(0.7), bias: float(0.2) }),
  on("LpNormalization", [3, 4], [], { p: int(2) }),
  on("LpNormalization", [3, 4], [], { p: int(1), axis: int(0) }),
  on("MeanVarianceNormalization", picture),
  on("LpPool", picture, [], { ...kernel, pads: ints(1, 0, 1, 1), strides: ints(2, 1) }),
  on("LpPool", picture, [], { ...kernel, p: int(1) }),
  on("GlobalLpPool", picture, [], { p: int(3) }),
  on("Conv", [2, 4, 9], [drawn([6, 2, 3], 5), drawn([6], 6)], {
    group: int(2),
    dilations: ints(2),
    pads: ints(1, 2),
  }),
  on("ConvTranspose", picture, [drawn([4, 3, 3, 3], 5)], {
    strides: ints(2, 2),
    output_padding: ints(1, 0),
    pads: ints(1, 0, 1, 1),
  }),
  on("ConvTranspose", picture, [drawn([4, 2, 3, 3], 5), drawn([4], 6)], {
    group: int(2),
    strides: ints(2, 3),
    auto_pad: text("SAME_UPPER"),
  }),
  on("ConvTranspose", picture, [drawn([4, 2, 3, 3], 5)], {
    strides: ints(2, 2),
    output_shape: ints(10, 13),
  }),
  on("ConvTranspose", [2, 4, 7], [drawn([4, 3, 3], 5)], {
    strides: ints(2),
    pads: ints(1, 0),
    dilations: ints(2),
  }),
  on("MatMul", [3, 4], [drawn([4], 5)]),
  on("MatMul", [4], [drawn([2, 4, 3], 5)]),
  on("Einsum", [2, 3, 4], [drawn([2, 4, 5], 5)], { equation: text("bij,bjk->bik") }),
  on("Einsum", [2, 3, 4], [drawn([5, 4], 5), drawn([3], 6)], {
    equation: text("bhd, ed, h -> ehb"),
  }),
  on("Einsum", [2, 3, 4], [drawn([2, 4, 3], 5)], { equation: text("...ij,...ji->...") }),
  on("Einsum", [3, 3], [], { equation: text("ii->i") }),
  on("Einsum", [3, 4], [], { equation: text("ij->ji") }),
  on("Einsum", [3, 4], [drawn([4, 2], 5)], { equation: text("ij,jk") }),
  on("Einsum", [3], [drawn([4], 5)], { equation: text("i,j->ij") }),
  ...["ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSumExp"].flatMap((op) => [
    on(op, [3, 4, 2], [], { axes: ints(-1, 0), keepdims: int(0) }),
    on(op, [3, 4, 2], [], {}),
  ]),
  on("ReduceLogSum", drawn([3, 4], 2, 0.1, 2), [], { axes: ints(1) }),
  on("ArgMax", [3, 4], [], { axis: int(1), keepdims: int(0) }),
  on("ArgMax", floats([4], [1, 3, 3, 0]), [], { select_last_index: int(1) }),
  on("ArgMin", [3, 4], [], { axis: int(-1) }),
  on("TopK", [3, 6], [list([3])], { axis: int(1) }, { outputs: 2 }),
  on("TopK", [6, 2], [list([2])], { axis: int(0), largest: int(0) }, { outputs: 2 }),
  on("GatherND", [2, 3, 4], [int64([2, 2], [0, 1, 1, -1])]),
  on("GatherND", [2, 3, 4], [int64([2, 1], [2, 0])], { batch_dims: int(1) }),
  on("ScatterElements", [3, 4], [int64([2, 4], [0, 1, 2, 0, 2, 0, 1, 1]), drawn([2, 4], 5)], {
    axis: int(0),
  }),
  on("ScatterElements", [3, 4], [int64([3, 2], [0, 0, 1, 1, 3, 3]), drawn([3, 2], 5)], {
    axis: int(1),
    reduction: text("add"),
  }),
  on("ScatterND", [4, 3], [int64([2, 1], [3, 0]), drawn([2, 3], 5)]),
  on("ScatterND", [4, 3], [int64([2, 2], [3, 0, 1, 2]), drawn([2], 5)]),
  on("Compress", [3, 4], [{ dtype: "bool", shape: [4], data: Uint8Array.of(1, 0, 0, 1) }], {
    axis: int(1),
  }),
  on("Pad", [2, 4], [list([1, -1, 2, 3]), floats([], [-7])]),
  on("Pad", [5, 4], [list([2, 1, 3, 2])], { mode: text("reflect") }),
  on("CumSum", [3, 4], [int64([], [1])]),
  on("CumSum", [3, 4], [int64([], [0])], { exclusive: int(1), reverse: int(1) }),
  on("Trilu", [2, 4, 5], [int64([], [1])], { upper: int(0) }),
  on("Trilu", [4, 5], [int64([], [-1])]),
  on("OneHot", int64([3], [0, 2, -1]), [list([4]), floats([2], [-1, 5])], { axis: int(0) }),
  on("EyeLike", [3, 5], [], { k: int(1) }),
  resized(scales(1, 1, 2, 3), "nearest", "asymmetric", { nearest_mode: text("floor") }),
  resized(scales(1, 1, 2, 3), "nearest", "half_pixel"),
  resized(sizes(2, 4, 3, 4), "nearest", "half_pixel", { nearest_mode: text("ceil") }),
  resized(scales(1, 1, 1.7, 2.3), "linear", "half_pixel"),
  resized(sizes(2, 4, 3, 13), "linear", "align_corners"),
  resized(sizes(2, 4, 1, 7), "linear", "pytorch_half_pixel"),
  resized(sizes(2, 4, 8, 7), "cubic", "half_pixel"),
  resized(sizes(2, 4, 8, 7), "cubic", "asymmetric", {
    exclude_outside: int(1),
    cubic_coeff_a: float(-0.5),
  }),
  resized(scales(1, 1, 2, 2), "linear", "tf_half_pixel_for_nn"),
  on(
    "Resize",
    picture,
    sizes(2, 4, 3, 3),
    { mode: text("linear"), antialias: int(1) },
    { opset: 18 },
  ),
  on(
    "Resize",
    picture,
    sizes(2, 4, 3, 4),
    { mode: text("cubic"), antialias: int(1) },
    { opset: 18 },
  ),
  on("Upsample", picture, [floats([4], [1, 1, 2, 2])], { mode: text("nearest") }, { opset: 9 }),
  on("Upsample", picture, [floats([4], [1, 1, 2, 3])], { mode: text("linear") }, { opset: 9 }),
  on("MaxPool", [2, 3, 9], [], { kernel_shape: ints(3), strides: ints(2), ceil_mode: int(1) }),
  on("AveragePool", [2, 3, 5, 6], [], {
    ...kernel,
    ceil_mode: int(1),
    strides: ints(2, 2),
    pads: ints(1, 1, 1, 0),
  }),
  on("QuantizeLinear", [3, 4], [scale, zero]),
  on(
    "QuantizeLinear",
    [3, 4],
    [floats([4], [0.1, 0.02, 0.3, 0.04]), bytes([4], [1, 2, 128, 200])],
    { axis: int(1) },
  ),
  on("DequantizeLinear", someBytes([3, 4], 2), [scale, zero]),
  on("DynamicQuantizeLinear", [3, 4], [], {}, { outputs: 3 }),
  on("MatMulInteger", someBytes([3, 4], 2), [someBytes([4, 2], 3), zero, bytes([], [7])]),
  on("ConvInteger", someBytes(picture, 2), [someBytes([3, 4, 3, 3], 3), zero, bytes([], [9])], {
    pads: ints(1, 1, 1, 1),
  }),
  on("QLinearConv", someBytes(picture, 2), [
    ...[
      scale,
      zero,
      someBytes([3, 4, 3, 3], 3),
      floats([3], [0.02, 0.03, 0.01]),
      bytes([3], [128, 128, 128]),
    ],
    ...[floats([], [1.5]), bytes([], [100])],
  ]),
  on("QLinearMatMul", someBytes([3, 4], 2), [
    scale,
    zero,
    someBytes([4, 2], 3),
    scale,
    zero,
    floats([], [0.1]),
    zero,
  ]),
  fused("QLinearAdd", someBytes([3, 4], 2), [
    scale,
    zero,
    someBytes([4], 3),
    floats([], [0.1]),
    zero,
    floats([], [0.05]),
    zero,
  ]),
  fused("QLinearMul", someBytes([3, 4], 2), [
    scale,
    zero,
    someBytes([4], 3),
    floats([], [0.1]),
    zero,
    floats([], [0.2]),
    zero,
  ]),
  fused("QLinearSigmoid", someBytes([3, 4], 2), [
    scale,
    zero,
    floats([], [1 / 256]),
    bytes([], [0]),
  ]),
  fused("QLinearLeakyRelu", someBytes([3, 4], 2), [scale, zero, scale, zero], {
    alpha: float(0.1),
  }),
  fused("QLinearGlobalAveragePool", someBytes(picture, 2), [scale, zero, scale, zero]),
  fused(
    "QLinearSoftmax",
    someBytes([3, 4], 2),
    [scale, zero, floats([], [1 / 256]), bytes([], [0])],
    { axis: int(-1), opset: int(13) },
  ),
  fused("MatMulIntegerToFloat", someBytes([3, 4], 2), [
    someBytes([4, 2], 3),
    scale,
    floats([2], [0.1, 0.2]),
    zero,
    zero,
  ]),
  fused("Gelu", [3, 4]),
  fused("BiasGelu", [3, 4], [drawn([4], 5)]),
  fused("FastGelu", [3, 4], [drawn([4], 5)]),
  fused("QuickGelu", [3, 4]),
  fused("FusedConv", picture, [drawn([3, 4, 3, 3], 5), drawn([3], 6)], {
    activation: text("Relu"),
  }),
  fused("FusedConv", picture, [drawn([3, 4, 3, 3], 5)], {
    activation: text("LeakyRelu"),
    activation_params: { floats: [0.1] },
  }),
  fused("FusedConv", picture, [drawn([3, 4, 3, 3], 5), drawn([3], 6)], {
    activation: text("HardSigmoid"),
    activation_params: { floats: [0.2, 0.4] },
  }),
  fused("FusedConv", picture, [drawn([3, 4, 3, 3], 5), drawn([3], 6)], {
    activation: text("Clip"),
    activation_params: { floats: [-1, 1] },
  }),
  fused("FusedGemm", [3, 4], [drawn([4, 2], 5), drawn([2], 6)], {
    activation: text("Relu"),
    alpha: float(0.5),
  }),
  fused("FusedMatMul", [2, 4, 3], [drawn([5, 4], 5)], {
    transA: int(1),
    transB: int(1),
    alpha: float(0.3),
  }),
  fused(
    "SkipLayerNormalization",
    [2, 3, 4],
    [drawn([2, 3, 4], 5), drawn([4], 6), drawn([4], 7), drawn([4], 8)],
    { epsilon: float(1e-5) },
  ),
  fused(
    "SkipSimplifiedLayerNormalization",
    [2, 3, 4],
    [drawn([2, 3, 4], 5), drawn([4], 6), drawn([4], 7)],
    { epsilon: float(1e-5) },
  ),
  fused("TransposeMatMul", [2, 4, 3], [drawn([5, 4], 5)], { transA: int(1), transB: int(1) }),
  fused(
    "QLinearConcat",
    scale,
    [
      zero,
      someBytes([2, 3], 4),
      scale,
      zero,
      someBytes([2, 2], 5),
      floats([], [0.1]),
      bytes([], [3]),
    ],
    { axis: int(1) },
  ),
  fused("Attention", [2, 3, 8], [drawn([8, 24], 5), drawn([24], 6)], { num_heads: int(2) }),
  fused("MultiHeadAttention", [2, 3, 8], [drawn([2, 5, 8], 5), drawn([2, 5, 8], 6)], {
    num_heads: int(2),
  }),
  fused("DynamicQuantizeMatMul", [3, 4], [someBytes([4, 2], 3), scale, zero]),
  fused("FusedMatMul", [3, 2, 4], [drawn([2, 4, 5], 5)], { transBatchA: int(1) }),
  fused("FusedMatMul", [2, 3, 4], [drawn([5, 2, 4], 5)], { transBatchB: int(1), transB: int(1) }),
  fused("FusedMatMul", [4, 2, 3], [drawn([4, 2, 5], 5)], {
    transBatchA: int(1),
    transA: int(1),
    transBatchB: int(1),
  }),
  on("SimplifiedLayerNormalization", [2, 3, 4], [drawn([4], 5)], { epsilon: float(1e-3) }),
  learnt("Scaler", [3, 4], {
    offset: { floats: [0.1, 0, -0.2, 1] },
    scale: { floats: [1, 2, 3, 4] },
  }),
  learnt("Normalizer", [3, 4], { norm: text("L1") }),
  learnt("Normalizer", [3, 4], { norm: text("L2") }),
  learnt("Normalizer", drawn([3, 4], 2, 0.1, 2), { norm: text("MAX") }),
  learnt(
    "LinearClassifier",
    [3, 2],
    {
      ...{ classlabels_ints: ints(0, 1, 2), post_transform: text("SOFTMAX") },
      ...{ coefficients: { floats: [1, -2, 0.5, 3, -1, 0.2] }, intercepts: { floats: [1, 0, -1] } },
    },
    { outputs: 2 },
  ),
  learnt("ArrayFeatureExtractor", [3, 4], {}, { arrays: [list([2, 0])] }),
  on("RNN", [5, 2, 3], recurrent(1, 1), { ...hidden, direction: text("reverse") }, { outputs: 2 }),
  on("RNN", [5, 2, 3], recurrent(1, 2), {
    ...{ ...hidden, ...both, activations: { texts: ["LeakyRelu", "Relu"] } },
    ...{ activation_alpha: { floats: [0.3] }, clip: float(0.8) },
  }),
  on("GRU", [5, 2, 3], recurrent(3, 1), hidden, { outputs: 2, ...sloped }),
  on("GRU", [5, 2, 3], recurrent(3, 2), { ...hidden, ...both, linear_before_reset: int(1) }),
  on("LSTM", [5, 2, 3], recurrent(4, 1).slice(0, 2), hidden, { outputs: 3, ...sloped }),
  on(
    "LSTM",
    [5, 2, 3],
    [...recurrent(4, 2), drawn([2, 2, 4], 9), drawn([2, 12], 10)],
    { ...hidden, ...both },
    { outputs: 3, ...sloped },
  ),
  on("LSTM", [5, 2, 3], recurrent(4, 1), { ...hidden, input_forget: int(1) }),
  ...sampling.flatMap((how) => [
    on("GridSample", [2, 3, 5, 6], [drawn([2, 4, 3, 2], 5, -1.6, 1.6)], how, sloped),
    on("GridSample", drawn([2, 4, 3, 2], 5, -1.6, 1.6), [drawn([2, 3, 5, 6], 1)], how, {
      // By where it looks only the cubic one has a slope everywhere.
      ...{ inputs: ["a0", "x"], sloped: "text" in how.mode && how.mode.text === "bicubic" },
    }),
  ]),
  ...["zeros", "border", "reflection"].map((padding) =>
    on(
      "GridSample",
      betweenPixels,
      [drawn([2, 3, 5, 6], 1)],
      { padding_mode: text(padding) },
      { inputs: ["a0", "x"], ...sloped },
    ),
  ),
  on("AffineGrid", [2, 2, 3], [list([2, 3, 4, 5])], {}, { opset: 20, ...sloped }),
  on("AffineGrid", [2, 2, 3], [list([2, 3, 4, 5])], { align_corners: int(1) }, { opset: 20 }),
  on("Col2Im", [2, 12, 12], [list([4, 5]), list([2, 2])], {}, { opset: 18, ...sloped }),
  on(
    "Col2Im",
    [2, 12, 6],
    [list([5, 6]), list([2, 3])],
    { strides: ints(2, 2), pads: ints(1, 0, 0, 1), dilations: ints(2, 1) },
    { opset: 18 },
  ),
  fused(
    "QGemm",
    someBytes([3, 4], 2),
    [
      ...[scale, zero, someBytes([2, 4], 3), floats([2], [0.02, 0.01]), bytes([2], [128, 120])],
      ...[
        { dtype: "int32", shape: [2], data: Int32Array.of(50, -700) } as const,
        floats([], [0.3]),
        zero,
      ],
    ],
    { transB: int(1), alpha: float(1) },
  ),
  fused("QGemm", someBytes([3, 4], 2), [
    ...[scale, zero, someBytes([4, 2], 3), floats([], [0.02]), bytes([], [128])],
  ]),
  fused(
    "QLinearConv",
    someBytes([2, 5, 6, 4], 2),
    [
      ...[scale, zero, someBytes([3, 4, 3, 3], 3), floats([3], [0.02, 0.03, 0.01])],
      ...[bytes([3], [128, 128, 128]), floats([], [1.5]), bytes([], [100])],
    ],
    { channels_last: int(1), pads: ints(1, 0, 1, 0), strides: ints(2, 1) },
  ),
  fused("QLinearAveragePool", someBytes([2, 4, 5, 6], 2), [scale, zero, scale, zero], kernel),
  fused("NhwcMaxPool", someBytes([2, 5, 6, 4], 2), [], kernel),
];
