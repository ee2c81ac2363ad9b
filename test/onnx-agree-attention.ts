// Attention, rotary positions and what stands beside them in transformers, as exporters write them.

import type { NdArray, Shape } from "../src/math/tensor.ts";
import { nodeOf } from "./fixtures/model-fixture.ts";
import {
  type AgreeCase,
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
} from "./onnx-agree-kit.ts";

const truths = (shape: Shape, values: readonly number[]): NdArray => ({
  dtype: "bool",
  shape,
  data: Uint8Array.from(values),
});
const int32 = (shape: Shape, values: readonly number[]): NdArray => ({
  dtype: "int32",
  shape,
  data: Int32Array.from(values),
});

const NONE = Number.NEGATIVE_INFINITY;
const flat = { q_num_heads: int(2), kv_num_heads: int(2) };
const grouped = { q_num_heads: int(4), kv_num_heads: int(2) };

/** Self-attention of queries x [2, 3, 8] with stored keys and values of 5 tokens. */
const crossed = (mask: NdArray | null, attributes: AgreeCase["attributes"], more = {}): AgreeCase =>
  on("Attention", [2, 3, 8], [drawn([2, 5, 8], 5), drawn([2, 5, 6], 6), mask], attributes, {
    ...{ opset: 23, sloped: true },
    ...more,
  });

const standard: AgreeCase[] = [
  crossed(null, flat),
  crossed(null, { ...flat, is_causal: int(1) }),
  crossed(null, { ...flat, scale: float(0.3), softcap: float(0.7) }),
  crossed(drawn([3, 5], 7), { ...flat, softcap: float(0.7) }),
  crossed(floats([1, 2, 3, 5], [0, NONE, ...drawn([28], 8).data].map(Number)), flat),
  crossed(truths([3, 5], [1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1]), flat),
  crossed(truths([2, 3, 5], [...new Array(15).fill(1), 0, ...new Array(14).fill(1)]), flat),
  crossed(truths([2, 1, 3, 5], [...new Array(15).fill(1), ...new Array(15).fill(0)]), flat),
  crossed(truths([3, 5], [0, 1, 1, 1, 1, ...new Array(10).fill(1)]), {
    ...flat,
    is_causal: int(1),
  }),
  ...[0, 1, 2, 3].map((mode) =>
    crossed(
      drawn([3, 5], 7),
      { ...flat, softcap: float(0.7), qk_matmul_output_mode: int(mode) },
      { outputs: 4 },
    ),
  ),
  on(
    "Attention",
    [2, 2, 3, 4],
    [drawn([2, 2, 5, 4], 5), drawn([2, 2, 5, 3], 6)],
    {},
    { opset: 23, sloped: true },
  ),
  on(
    "Attention",
    [2, 4, 3, 4],
    [drawn([2, 2, 5, 4], 5), drawn([2, 2, 5, 3], 6)],
    { is_causal: int(1) },
    { opset: 24 },
  ),
  on(
    "Attention",
    [2, 3, 8],
    [drawn([2, 5, 4], 5), drawn([2, 5, 4], 6)],
    { ...grouped, scale: float(1) },
    { opset: 23, sloped: true },
  ),
  on(
    "Attention",
    [2, 3, 8],
    [
      ...[drawn([2, 3, 8], 5), drawn([2, 3, 8], 6), null],
      ...[drawn([2, 2, 4, 4], 7), drawn([2, 2, 4, 4], 8)],
    ],
    { ...flat, is_causal: int(1) },
    { opset: 23, outputs: 3 },
  ),
  on(
    "Attention",
    [2, 2, 3, 4],
    [
      ...[drawn([2, 2, 3, 4], 5), drawn([2, 2, 3, 4], 6), drawn([3, 7], 9)],
      ...[drawn([2, 2, 4, 4], 7), drawn([2, 2, 4, 4], 8)],
    ],
    {},
    { opset: 24, outputs: 3 },
  ),
  on(
    "Attention",
    [2, 2, 3, 4],
    [drawn([2, 2, 6, 4], 5), drawn([2, 2, 6, 4], 6), null, null, null, list([4, 6])],
    {},
    { opset: 24, sloped: true },
  ),
  // A mask that the image makes: x > a0 of three tokens by themselves.
  on("Attention", [2, 3, 8], [list([2]), drawn([2, 3, 3], 7)], flat, {
    opset: 23,
    before: [nodeOf("ReduceMax", ["x", "a0"], ["top"]), nodeOf("Greater", ["top", "a1"], ["m"])],
    inputs: ["x", "x", "x", "m"],
  }),
];

const tables = (rows: number, half: number) => [drawn([rows, half], 5), drawn([rows, half], 6)];
const perToken = (half: number) => [drawn([2, 3, half], 5), drawn([2, 3, half], 6)];
const positions = int64([2, 3], [4, 0, 2, 1, 1, 3]);

const rotary = (x: Shape, arrays: NdArray[], attributes: AgreeCase["attributes"]): AgreeCase =>
  on("RotaryEmbedding", x, arrays, attributes, { opset: 23, sloped: true });

const rotations: AgreeCase[] = [
  rotary([2, 2, 3, 8], perToken(4), {}),
  rotary([2, 2, 3, 8], perToken(4), { interleaved: int(1) }),
  rotary([2, 2, 3, 8], [...tables(5, 4), positions], {}),
  rotary([2, 3, 16], [...tables(5, 4), positions], { num_heads: int(2), interleaved: int(1) }),
  rotary([2, 3, 16], perToken(4), { num_heads: int(2) }),
  rotary([2, 3, 16], [...tables(5, 2), positions], {
    ...{ num_heads: int(2), rotary_embedding_dim: int(4) },
  }),
  rotary([2, 2, 3, 8], perToken(2), { rotary_embedding_dim: int(4), interleaved: int(1) }),
];

const fusedRotary = (x: Shape, arrays: NdArray[], attributes: AgreeCase["attributes"]): AgreeCase =>
  fused("RotaryEmbedding", x, arrays, attributes, { sloped: true });

const fusedRotations: AgreeCase[] = [
  fusedRotary([2, 3, 16], [positions, ...tables(5, 4)], { num_heads: int(2) }),
  fusedRotary([2, 3, 16], [positions, ...tables(5, 4)], {}),
  fusedRotary([2, 2, 3, 8], [positions, ...tables(5, 4)], { interleaved: int(1) }),
  fusedRotary([2, 3, 16], [int64([1], [2]), ...tables(5, 4)], { num_heads: int(2) }),
  fusedRotary([2, 3, 16], [positions, ...tables(5, 2)], {
    ...{ num_heads: int(2), rotary_embedding_dim: int(4) },
  }),
  fusedRotary([2, 3, 16], [positions, ...tables(5, 4)], { num_heads: int(2), scale: float(0.5) }),
];

/** x [2, 3, 8] with one matrix for all three projections. */
const fusedSelf = (
  arrays: (NdArray | null)[],
  attributes: AgreeCase["attributes"] = {},
  more: Partial<AgreeCase> = {},
): AgreeCase =>
  fused(
    "Attention",
    [2, 3, 8],
    [drawn([8, 24], 5), drawn([24], 6), ...arrays],
    { num_heads: int(2), ...attributes },
    { sloped: true, ...more },
  );

const fusedCross = (
  arrays: (NdArray | null)[],
  attributes: AgreeCase["attributes"] = {},
  more: Partial<AgreeCase> = {},
): AgreeCase =>
  fused(
    "MultiHeadAttention",
    [2, 3, 8],
    [drawn([2, 5, 8], 5), drawn([2, 5, 8], 6), ...arrays],
    { num_heads: int(2), ...attributes },
    { sloped: true, ...more },
  );

const fusedAttentions: AgreeCase[] = [
  fusedSelf([], { unidirectional: int(1) }),
  fusedSelf([int32([2], [2, 3])]),
  fusedSelf([int32([4], [2, 3, 0, 1])]),
  fusedSelf([int32([2, 3], [1, 0, 1, 1, 1, 0])]),
  fusedSelf([int32([2, 3, 3], [1, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 1])]),
  fusedSelf([int32([2, 3], [1, 0, 1, 1, 1, 0])], { mask_filter_value: float(-1) }),
  fusedSelf([null, drawn([2, 2, 2, 4, 4], 7)], { unidirectional: int(1) }, { outputs: 2 }),
  fusedSelf([null, null, drawn([1, 2, 3, 3], 7)], { scale: float(0.2) }),
  fused(
    "Attention",
    [2, 3, 8],
    [drawn([8, 20], 5), drawn([20], 6)],
    { num_heads: int(2), qkv_hidden_sizes: ints(8, 8, 4) },
    { sloped: true },
  ),
  fusedCross([drawn([24], 7)]),
  fusedCross([null, int32([2, 5], [1, 0, 1, 1, 1, 0, 1, 1, 0, 0])]),
  fusedCross([null, int32([2], [4, 2])]),
  fusedCross([null, null, drawn([2, 1, 3, 5], 7)], { scale: float(0.2) }),
  fusedCross(
    [null, null, null, drawn([2, 2, 4, 4], 7), drawn([2, 2, 4, 4], 8)],
    {},
    { outputs: 3 },
  ),
  fused("MultiHeadAttention", [2, 3, 8], [drawn([2, 3, 8], 5), drawn([2, 3, 8], 6)], {
    num_heads: int(2),
    unidirectional: int(1),
  }),
  fused("MultiHeadAttention", [2, 3, 8], [drawn([2, 2, 5, 4], 5), drawn([2, 2, 5, 4], 6)], {
    num_heads: int(2),
  }),
];

const normalizations: AgreeCase[] = [
  on(
    "RMSNormalization",
    [2, 3, 4],
    [drawn([3, 4], 5)],
    { axis: int(1) },
    { opset: 23, sloped: true },
  ),
  on(
    "RMSNormalization",
    [2, 3, 4],
    [drawn([4], 5)],
    { epsilon: float(0.5), axis: int(-1), stash_type: int(1) },
    { opset: 23, sloped: true },
  ),
  on("SimplifiedLayerNormalization", [2, 3, 4], [drawn([4], 5)], {}, { outputs: 2, sloped: true }),
  fused("SkipLayerNormalization", drawn([2, 3, 4], 4, -1e-3, 1e-3), [
    ...[drawn([2, 3, 4], 5, -1e-3, 1e-3), drawn([4], 6)],
  ]),
  fused("SkipSimplifiedLayerNormalization", drawn([2, 3, 4], 4, -1e-3, 1e-3), [
    ...[drawn([2, 3, 4], 5, -1e-3, 1e-3), drawn([4], 6)],
  ]),
  on("Swish", [3, 4], [], {}, { opset: 24, sloped: true }),
  on("Swish", [3, 4], [], { alpha: float(-2) }, { opset: 24, sloped: true }),
  fused("QuickGelu", [3, 4], [], { alpha: float(0.5) }, { sloped: true }),
  fused("FastGelu", [3, 4], [], {}, { sloped: true }),
];

/** x [2, 3, 40] by stored weights [40, 6], in three blocks of 16 of which the last is filled in part. */
const fewBits = (bits: number, arrays: (NdArray | null)[]): AgreeCase =>
  fused(
    "MatMulNBits",
    [2, 3, 40],
    [someBytes([6, 3, 2 * bits], 5), drawn([18], 6, 0.01, 0.1), ...arrays],
    { N: int(6), K: int(40), bits: int(bits), block_size: int(16) },
    { sloped: true },
  );

const products: AgreeCase[] = [
  fewBits(4, []),
  fewBits(4, [someBytes([12], 7)]),
  fewBits(4, [drawn([18], 7, 0, 15)]),
  fewBits(8, [null, null, drawn([6], 8)]),
];

export const attentionCases: AgreeCase[] = [
  ...standard,
  ...rotations,
  ...fusedRotations,
  ...fusedAttentions,
  ...normalizations,
  ...products,
];
