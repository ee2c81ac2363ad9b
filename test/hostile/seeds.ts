// Small classifiers of every kind that the importer reads, to be damaged; over 300 lines, a seed per kind.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
} from "onnx-buf";
import type { AttributeValue } from "../../src/engine/onnx/protos.ts";
import { threefry } from "../../src/math/random.ts";
import { elementCount, type NdArray, type Shape, tensor } from "../../src/math/tensor.ts";
import { type FixtureOptions, graphOf, nodeOf, onnxFile } from "../fixtures/model-fixture.ts";

/** A file and what lies beside it. */
export interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Files in the same folder. */
  readonly beside?: Readonly<Record<string, Uint8Array>>;
}

const ints = (...values: number[]): AttributeValue => ({ ints: values });
const int = (value: number): AttributeValue => ({ int: value });
const text = (value: string): AttributeValue => ({ string: value });
const int64 = (...values: number[]): NdArray => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});
const bytes = (shape: Shape, ...values: number[]): NdArray => ({
  dtype: "uint8",
  shape,
  data: Uint8Array.from({ length: elementCount(shape) }, (_, i) => values[i % values.length]),
});
const flag = (value: boolean): NdArray => ({
  dtype: "bool",
  shape: [],
  data: Uint8Array.of(value ? 1 : 0),
});
const weights = (...shape: number[]) =>
  tensor(
    shape,
    Float32Array.from(
      { length: elementCount(shape) },
      (_, i) => threefry([7, shape.length], shape[0], i)[0] / 2 ** 32 - 0.5,
    ),
  );
const positive = (n: number) =>
  tensor(
    [n],
    weights(n).data.map((v) => v + 1),
  );
const floats = (...values: number[]) => tensor([values.length], values);

/** Nodes in short: operator, inputs and outputs separated by spaces ("-" is left out), attributes. */
type Short = readonly [
  op: string,
  inputs: string,
  outputs: string,
  attributes?: Readonly<Record<string, AttributeValue>>,
  domain?: string,
];
const words = (line: string) => line.split(" ").map((word) => (word === "-" ? "" : word));
const nodes = (all: readonly Short[]): NodeProto[] =>
  all.map(([op, from, to, attributes, domain]) =>
    nodeOf(
      op,
      from === "" ? [] : words(from),
      words(to),
      attributes,
      domain === undefined ? {} : { domain },
    ),
  );

const of = (
  name: string,
  all: readonly Short[] | NodeProto[],
  arrays: Readonly<Record<string, NdArray>>,
  more: Partial<FixtureOptions> = {},
): Seed => ({
  name,
  bytes: onnxFile(Array.isArray(all[0]) ? nodes(all as Short[]) : (all as NodeProto[]), {
    inputs: { x: ["n", 3, 8, 8] },
    outputs: { y: ["n", 5] },
    arrays,
    ...more,
  }),
});

const same = { pads: ints(1, 1, 1, 1), kernel_shape: ints(3, 3) };

const convolutional = of(
  "convolutional",
  [
    ["Conv", "x w1 b1", "c1", { ...same, strides: ints(1, 1) }],
    ["BatchNormalization", "c1 s1 t1 m1 v1", "n1"],
    ["Relu", "n1", "r1"],
    ["MaxPool", "r1", "p1", { kernel_shape: ints(2, 2), strides: ints(2, 2) }],
    ["Conv", "p1 w2", "c2", { ...same, group: int(2) }],
    ["BatchNormalization", "c2 s1 t1 m1 v1", "n2"],
    ["Add", "n2 p1", "a2"],
    ["Clip", "a2 low high", "r2"],
    ["GlobalAveragePool", "r2", "g"],
    ["Flatten", "g", "f"],
    ["Gemm", "f w3 b3", "z", { transB: int(1) }],
    ["Softmax", "z", "y", { axis: int(1) }],
  ],
  {
    w1: weights(8, 3, 3, 3),
    b1: weights(8),
    w2: weights(8, 4, 3, 3),
    s1: positive(8),
    t1: weights(8),
    m1: weights(8),
    v1: positive(8),
    low: tensor([], [0]),
    high: tensor([], [6]),
    w3: weights(5, 8),
    b3: weights(5),
  },
);

const attention = of(
  "attention",
  [
    ["Conv", "x w", "patches", { kernel_shape: ints(4, 4), strides: ints(4, 4) }],
    ["Reshape", "patches rows", "flat"],
    ["Transpose", "flat", "tokens", { perm: ints(0, 2, 1) }],
    ["LayerNormalization", "tokens s t", "normal", { axis: int(-1) }],
    ["MatMul", "normal qkv", "all"],
    ["Split", "all thirds", "q k v", { axis: int(2) }],
    ["Transpose", "k", "kt", { perm: ints(0, 2, 1) }],
    ["MatMul", "q kt", "scores"],
    ["Mul", "scores scale", "scaled"],
    ["Softmax", "scaled", "share", { axis: int(-1) }],
    ["MatMul", "share v", "mixed"],
    ["Div", "mixed root", "e1"],
    ["Erf", "e1", "e2"],
    ["Add", "e2 one", "e3"],
    ["Mul", "mixed e3", "gelu"],
    ["ReduceMean", "gelu", "pooled", { axes: ints(1), keepdims: int(0) }],
    ["Einsum", "pooled head", "y", { equation: text("nc,ck->nk") }],
  ],
  {
    w: weights(6, 3, 4, 4),
    rows: int64(0, 6, 4),
    s: positive(6),
    t: weights(6),
    qkv: weights(6, 18),
    thirds: int64(6, 6, 6),
    scale: tensor([], [0.4]),
    root: tensor([], [Math.SQRT2]),
    one: tensor([], [1]),
    head: weights(6, 5),
  },
);

const quantised = of(
  "quantised",
  [
    ["QuantizeLinear", "x xs xz", "xq"],
    ["QLinearConv", "xq xs xz wq ws wz ys yz", "cq", same],
    ["DequantizeLinear", "cq ys yz", "c"],
    ["ReduceMean", "c", "p", { axes: ints(2, 3), keepdims: int(0) }],
    ["DynamicQuantizeLinear", "p", "pq ps pz"],
    ["MatMulInteger", "pq mq pz mz", "whole"],
    ["Cast", "whole", "real", { to: int(1) }],
    ["Mul", "real ps", "r1"],
    ["DequantizeLinear", "hq hs hz", "h", { axis: int(0) }],
    ["MatMul", "r1 h", "y"],
  ],
  {
    xs: tensor([], [0.01]),
    xz: bytes([], 3),
    wq: bytes([4, 3, 3, 3], 1, 7, 130, 255, 60),
    ws: tensor([], [0.02]),
    wz: bytes([], 128),
    ys: tensor([], [0.05]),
    yz: bytes([], 120),
    mq: bytes([4, 6], 9, 200, 31),
    mz: bytes([], 100),
    hq: bytes([6, 5], 4, 99, 240),
    hs: positive(6),
    hz: bytes([6], 128),
  },
);

const shapes = of(
  "channels last, with arithmetic of shapes",
  [
    ["Transpose", "x", "t", { perm: ints(0, 3, 1, 2) }],
    ["Shape", "t", "shape"],
    ["Gather", "shape zero", "n", { axis: int(0) }],
    ["Unsqueeze", "n axis0", "n1"],
    ["Concat", "n1 minus", "wanted", { axis: int(0) }],
    ["Pad", "t pads half", "padded"],
    ["Resize", "padded - scales", "sized", { mode: text("linear") }],
    ["Slice", "sized starts ends axes steps", "cut"],
    ["Range", "zero0 four two0", "range"],
    ["Gather", "cut range", "taken", { axis: int(2) }],
    ["ConstantOfShape", "ones4", "fill"],
    ["Expand", "fill like", "wide"],
    ["Add", "taken wide", "sum"],
    ["Tile", "sum repeats", "tiled"],
    ["NonZero", "mask", "where"],
    ["Squeeze", "where axis0", "places"],
    ["Gather", "tiled places", "some", { axis: int(1) }],
    ["Reshape", "some wanted", "flat"],
    ["TopK", "flat five", "top index"],
    ["CumSum", "top one0", "run"],
    ["Trilu", "run", "tri", { upper: int(0) }],
    ["OneHot", "label depth onoff", "hot"],
    ["Where", "yes run tri", "chosen"],
    ["Add", "chosen hot", "y"],
  ],
  {
    zero: { ...int64(0), shape: [] },
    axis0: int64(0),
    minus: int64(-1),
    half: tensor([], [0.5]),
    pads: int64(0, 0, 1, 1, 0, 0, 1, 1),
    scales: floats(1, 1, 1.5, 0.5),
    five: int64(5),
    starts: int64(0, 9),
    ends: int64(8, -100),
    axes: int64(2, 3),
    steps: int64(1, -1),
    zero0: { ...int64(0), shape: [] },
    four: { ...int64(4), shape: [] },
    two0: { ...int64(2), shape: [] },
    ones4: int64(1, 1, 1, 1),
    like: int64(1, 3, 2, 5),
    repeats: int64(1, 2, 1, 1),
    mask: floats(1, 0, 1, 1, 0, 1),
    one0: { ...int64(1), shape: [] },
    label: int64(2),
    depth: { ...int64(5), shape: [] },
    onoff: floats(0, 1),
    yes: flag(true),
  },
  { inputs: { x: [1, 8, 8, 3] }, outputs: { y: [1, 5] } },
);

const indexed = of(
  "geometry and indices",
  [
    [
      "ConvTranspose",
      "x w",
      "up",
      { strides: ints(2, 2), kernel_shape: ints(2, 2), output_padding: ints(1, 1) },
    ],
    [
      "AveragePool",
      "up",
      "pool",
      { kernel_shape: ints(3, 3), strides: ints(2, 2), ceil_mode: int(1) },
    ],
    ["Upsample", "pool scales", "large", { mode: text("nearest") }],
    ["SpaceToDepth", "large", "deep", { blocksize: int(2) }],
    ["DepthToSpace", "deep", "flat", { blocksize: int(2), mode: text("CRD") }],
    ["Pad", "flat pads", "more", { mode: text("reflect") }],
    ["LRN", "more", "lrn", { size: int(3) }],
    ["GatherND", "lrn nd", "points", { batch_dims: int(1) }],
    ["ScatterND", "points at new", "written"],
    ["GatherElements", "written pick", "picked", { axis: int(1) }],
    ["ReduceLogSumExp", "picked", "level", { axes: ints(1), keepdims: int(1) }],
    ["Sub", "picked level", "low"],
    ["ReduceProd", "low", "prod", { axes: ints(1), keepdims: int(1) }],
    ["InstanceNormalization", "more one1 zero1", "norm"],
    ["GlobalMaxPool", "norm", "peak"],
    ["Reshape", "peak flatshape", "peaks"],
    ["Concat", "peaks prod low", "y", { axis: int(1) }],
  ],
  {
    w: weights(3, 4, 2, 2),
    scales: floats(1, 1, 2, 2),
    pads: int64(0, 0, 1, 2, 0, 0, 1, 2),
    nd: { ...int64(0, 1, 1, 1, 2, 2, 2, 3, 3), shape: [1, 3, 3] },
    at: { ...int64(0, 1), shape: [1, 2] },
    new: floats(3),
    pick: { ...int64(2, 0, 1, 1), shape: [1, 4] },
    one1: positive(4),
    zero1: weights(4),
    flatshape: int64(1, 4),
  },
  { inputs: { x: [1, 3, 8, 8] }, outputs: { y: [1, 9] }, opset: 13 },
);

const branchOf = (name: string, inner: NodeProto[], output: string) =>
  create(AttributeProtoSchema, {
    name,
    type: AttributeProto_AttributeType.GRAPH,
    g: graphOf(inner, {
      inputs: {},
      outputs: { [output]: null },
      arrays: { two: tensor([], [2]) },
    }),
  });
const conditional = (): Seed => {
  const inner = nodeOf(
    "If",
    ["no"],
    ["i1"],
    {},
    {
      attribute: [
        branchOf("then_branch", nodes([["Neg", "f", "i2"]]), "i2"),
        branchOf("else_branch", nodes([["Mul", "f two", "i3"]]), "i3"),
      ],
    },
  );
  const outer = nodeOf(
    "If",
    ["yes"],
    ["h"],
    {},
    {
      attribute: [
        branchOf("then_branch", [inner, ...nodes([["Add", "i1 two", "i4"]])], "i4"),
        branchOf("else_branch", nodes([["Abs", "f", "i5"]]), "i5"),
      ],
    },
  );
  const all = [...nodes([["Flatten", "x", "f"]]), outer, ...nodes([["MatMul", "h w", "y"]])];
  return of("conditions", all, { yes: flag(true), no: flag(false), w: weights(192, 5) });
};

const slope = create(AttributeProtoSchema, { name: "alpha", refAttrName: "slope" });
const functional = of(
  "functions",
  nodes([
    ["Block", "x w", "h", { slope: { float: 0.3 } }, "own"],
    ["GlobalAveragePool", "h", "p"],
    ["Flatten", "p", "y"],
  ]),
  { w: weights(5, 3, 3, 3) },
  {
    functions: [
      {
        name: "Block",
        input: ["a", "k", "b"],
        output: ["d"],
        attribute: ["slope"],
        node: [
          ...nodes([["Conv", "a k b", "c", same]]),
          nodeOf(
            "Twist",
            ["c"],
            ["d"],
            {},
            { domain: "own", attribute: [{ ...slope, name: "slope" }] },
          ),
        ],
      },
      {
        name: "Twist",
        input: ["a"],
        output: ["c"],
        attribute: ["slope"],
        node: [
          nodeOf("LeakyRelu", ["a"], ["b"], {}, { attribute: [slope] }),
          ...nodes([["HardSwish", "b", "c"]]),
        ],
      },
    ],
  },
);

const ms = "com.microsoft";
const microsoft = of(
  "com.microsoft",
  [
    ["FusedConv", "x w", "c", { ...same, activation: text("Relu") }, ms],
    ["Reshape", "c rows", "flat"],
    ["FusedMatMul", "flat m", "tokens", { transA: int(1), alpha: { float: 0.5 } }, ms],
    ["SkipLayerNormalization", "tokens tokens s t", "skip", {}, ms],
    ["Attention", "skip qkv qb", "mixed", { num_heads: int(2) }, ms],
    ["BiasGelu", "mixed t", "gelu", {}, ms],
    ["QuickGelu", "gelu", "quick", {}, ms],
    ["ReduceMean", "quick", "p", { axes: ints(1), keepdims: int(0) }],
    ["FusedGemm", "p head", "y", { activation: text("LeakyRelu"), transB: int(1) }, ms],
  ],
  {
    w: weights(4, 3, 3, 3),
    rows: int64(0, 4, 64),
    m: weights(4, 6),
    s: positive(6),
    t: weights(6),
    qkv: weights(6, 18),
    qb: weights(18),
    head: weights(5, 6),
  },
);

const unrolled = (): Seed => {
  const body = graphOf(
    nodes([
      ["Add", "before step", "after"],
      ["Identity", "going", "on"],
      ["Mul", "after step", "each"],
    ]),
    {
      inputs: { turn: [], going: [], before: [1, 4] },
      outputs: { on: null, after: null, each: null },
      arrays: { step: floats(0.5) },
    },
  );
  const attribute = [
    create(AttributeProtoSchema, {
      name: "body",
      type: AttributeProto_AttributeType.GRAPH,
      g: body,
    }),
  ];
  const all = [
    ...nodes([
      ["Reshape", "x rows", "sequence"],
      ["GRU", "sequence gw gr gb", "- h", { hidden_size: int(4), linear_before_reset: int(1) }],
      ["LSTM", "sequence lw lr", "- last", { hidden_size: int(4) }],
      ["Squeeze", "h axis0", "h0"],
    ]),
    nodeOf("Loop", ["three", "", "h0"], ["end", "turns"], {}, { attribute }),
    ...nodes([
      ["SplitToSequence", "turns", "list", { axis: int(0), keepdims: int(0) }],
      ["SequenceInsert", "list end", "longer"],
      ["ConcatFromSequence", "longer", "states", { axis: int(1) }],
      ["Squeeze", "last axis0", "l0"],
      ["Concat", "states l0", "f", { axis: int(1) }],
      ["MatMul", "f w", "y"],
    ]),
  ];
  return of(
    "loops, lists and recurrent layers",
    all,
    {
      rows: int64(8, 1, 24),
      axis0: int64(0),
      three: { ...int64(3), shape: [] },
      gw: weights(1, 12, 24),
      gr: weights(1, 12, 4),
      gb: weights(1, 24),
      lw: weights(1, 16, 24),
      lr: weights(1, 16, 4),
      w: weights(20, 5),
    },
    { inputs: { x: [1, 3, 8, 8] }, outputs: { y: [1, 5] }, opset: 13 },
  );
};

/** The weights of a file moved to another beside it. */
function external(): Seed {
  const base = of(
    "external data",
    [
      ["Flatten", "x", "f"],
      ["Gemm", "f w b", "y", { transB: int(1) }],
    ],
    { w: weights(5, 192), b: weights(5) },
  );
  const model = fromBinary(ModelProtoSchema, base.bytes);
  const stored: Uint8Array[] = [];
  let offset = 0;
  for (const one of model.graph?.initializer ?? []) {
    const entry = (key: string, value: string | number) =>
      create(StringStringEntryProtoSchema, { key, value: String(value) });
    one.externalData = [
      entry("location", "weights.bin"),
      entry("offset", offset),
      entry("length", one.rawData.length),
    ];
    offset += one.rawData.length;
    stored.push(one.rawData);
    one.rawData = new Uint8Array();
    one.dataLocation = TensorProto_DataLocation.EXTERNAL;
  }
  const beside = new Uint8Array(offset);
  stored.reduce((at, part) => {
    beside.set(part, at);
    return at + part.length;
  }, 0);
  return { ...base, bytes: toBinary(ModelProtoSchema, model), beside: { "weights.bin": beside } };
}

/** One file of each kind. */
export const seeds: readonly Seed[] = [
  convolutional,
  attention,
  quantised,
  shapes,
  indexed,
  conditional(),
  functional,
  microsoft,
  unrolled(),
  external(),
];
