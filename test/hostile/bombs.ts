// Files that are small and ask for much, each made by hand.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from "onnx-buf";
import { type NdArray, tensor } from "../../src/math/tensor.ts";
import { type FixtureOptions, graphOf, nodeOf, onnxFile } from "../fixtures/model-fixture.ts";

export const int64 = (...values: number[]): NdArray => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});
export const times = <T>(n: number, make: (i: number) => T): T[] =>
  Array.from({ length: n }, (_, i) => make(i));

/** The end of every bomb: one number per image from `v`, and five classes. */
const head = [
  nodeOf("ReduceMax", ["v"], ["m"], { axes: { ints: [1, 2, 3] }, keepdims: { int: 0 } }),
  nodeOf("Unsqueeze", ["m", "one"], ["u"]),
  nodeOf("MatMul", ["u", "w"], ["y"]),
];
export const bomb = (
  nodes: NodeProto[],
  arrays: Readonly<Record<string, NdArray>> = {},
  more: Partial<FixtureOptions> = {},
) =>
  onnxFile([...nodes, ...head], {
    inputs: { x: [1, 3, 8, 8] },
    outputs: { y: [1, 5] },
    ...more,
    arrays: { w: tensor([1, 5], [1, 2, 3, 4, 5]), one: int64(1), ...arrays },
  });

/** A chain of n nodes from x to v. */
const chain = (n: number, link: (from: string, to: string, i: number) => NodeProto): NodeProto[] =>
  times(n, (i) => link(i === 0 ? "x" : `h${i}`, i === n - 1 ? "v" : `h${i + 1}`, i));

const varint = (n: number): number[] => (n < 128 ? [n] : [(n % 128) | 128, ...varint(n >> 7)]);
/** A message as a field of another one. */
const field = (number: number, bytes: Uint8Array) =>
  joined(Uint8Array.of(...varint((number << 3) | 2), ...varint(bytes.length)), bytes);
function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Conditions within conditions, joined by hand: writers of messages run out of stack before readers do. */
function within(depth: number): Uint8Array<ArrayBuffer> {
  const output = (name: string) =>
    toBinary(GraphProtoSchema, graphOf([], { inputs: {}, outputs: { [name]: null } }));
  const attribute = toBinary(
    AttributeProtoSchema,
    create(AttributeProtoSchema, { name: "then_branch", type: AttributeProto_AttributeType.GRAPH }),
  );
  let node = toBinary(NodeProtoSchema, nodeOf("Neg", ["x"], ["v0"]));
  for (let i = 1; i <= depth; i++) {
    const graph = joined(output(`v${i - 1}`), field(1, node));
    const name = i === depth ? "v" : `v${i}`;
    const branch = joined(attribute, field(6, graph));
    node = joined(toBinary(NodeProtoSchema, nodeOf("If", ["yes"], [name])), field(5, branch));
  }
  return joined(bomb([], { yes }), field(7, field(1, node)));
}

const call = (name: string, from: string, to: string) =>
  nodeOf(name, [from], [to], {}, { domain: "own" });
/** Functions of which each calls the next one twice. */
const laughs = times(60, (i) => ({
  name: `F${i}`,
  input: ["a"],
  output: ["c"],
  node:
    i === 59
      ? [nodeOf("Neg", ["a"], ["c"])]
      : [call(`F${i + 1}`, "a", "b"), call(`F${i + 1}`, "b", "c")],
}));

const yes: NdArray = { dtype: "bool", shape: [], data: Uint8Array.of(1) };
const square = (side: number) => nodeOf("ConstantOfShape", [`s${side}`], ["big"], {});
/** What is computed from constants alone, brought to v. */
const alone = (side: number, nodes: NodeProto[]) =>
  bomb(
    [
      square(side),
      ...nodes,
      nodeOf("ReduceMax", ["last"], ["r"]),
      nodeOf("Add", ["x", "r"], ["v"]),
    ],
    {
      [`s${side}`]: int64(side, side),
      pair: int64(0, 1),
      k: int64(5),
      pads: int64(0, 0, 4000, 4000),
      fewer: int64(0, 0, 2800, 2800),
    },
  );

/** By what they do. */
export const bombs: Readonly<Record<string, () => Uint8Array<ArrayBuffer>>> = {
  "functions that double sixty times": () =>
    bomb([call("F0", "x", "v")], {}, { functions: laughs }),
  "conditions 60 deep": () => within(60),
  "conditions 2000 deep": () => within(2000),
  "a chain of 60 000 nodes": () => bomb(chain(60_000, (from, to) => nodeOf("Neg", [from], [to]))),
  "conditions 30 deep": () => within(30),
  "a chain of 1990 nodes": () => bomb(chain(1990, (from, to) => nodeOf("Neg", [from], [to]))),
  "a chain of 8000 nodes": () => bomb(chain(8000, (from, to) => nodeOf("Neg", [from], [to]))),
  "a chain of 8000 nodes in backward order": () =>
    bomb(chain(8000, (from, to) => nodeOf("Neg", [from], [to])).reverse()),
  "Concat that doubles": () =>
    bomb(chain(40, (from, to) => nodeOf("Concat", [from, from], [to], { axis: { int: 1 } }))),
  "Concat that doubles to just under the limit, many times": () =>
    bomb([
      ...chain(16, (from, to) => nodeOf("Concat", [from, from], [to], { axis: { int: 1 } })).map(
        (node, i, all) =>
          i === all.length - 1 ? nodeOf("Concat", node.input, ["g0"], { axis: { int: 1 } }) : node,
      ),
      ...times(100, (i) => nodeOf("Sin", [`g${i}`], [i === 99 ? "v" : `g${i + 1}`])),
    ]),
  "many large values alive at once": () =>
    bomb(
      [
        nodeOf("Expand", ["x", "size"], ["g"]),
        ...times(40, (i) => nodeOf("Mul", ["g", `f${i}`], [`p${i}`])),
        ...times(40, (i) => nodeOf("Sin", [`p${i}`], [`q${i}`])),
        nodeOf(
          "Sum",
          times(40, (i) => `q${i}`),
          ["v"],
        ),
      ],
      {
        ...Object.fromEntries(times(40, (i) => [`f${i}`, tensor([1], [i])])),
        size: int64(1, 3, 8, 8),
      },
      { inputs: { x: [1, 1, 2048, 2048] } },
    ),
  "constants multiplied": () => alone(4096, [nodeOf("MatMul", ["big", "big"], ["last"])]),
  "constants multiplied again and again": () =>
    alone(1024, [
      ...times(40, (i) =>
        nodeOf("MatMul", [i === 0 ? "big" : `b${i}`, "big"], [i === 39 ? "last" : `b${i + 1}`]),
      ),
    ]),
  "constants in a chain": () =>
    alone(4096, [
      ...times(60, (i) =>
        nodeOf("Sin", [i === 0 ? "big" : `b${i}`], [i === 59 ? "last" : `b${i + 1}`]),
      ),
    ]),
  "running sums of constants": () => alone(4096, [nodeOf("CumSum", ["big", "one"], ["last"])]),
  "sorted constants": () => alone(4096, [nodeOf("TopK", ["big", "k"], ["last", "places"])]),
  "sorted constants, just under the limit": () =>
    alone(2800, [nodeOf("TopK", ["big", "k"], ["last", "places"])]),
  "constants multiplied, just under the limit": () =>
    alone(1600, [nodeOf("MatMul", ["big", "big"], ["last"])]),
  "pads that wrap, just under the limit": () =>
    alone(64, [nodeOf("Pad", ["big", "fewer"], ["last"], { mode: { string: "wrap" } })]),
  "one line sorted": () =>
    bomb(
      [
        nodeOf("ConstantOfShape", ["n"], ["big"]),
        nodeOf("TopK", ["big", "n"], ["last", "i"]),
        nodeOf("ReduceMax", ["last"], ["r"]),
        nodeOf("Add", ["x", "r"], ["v"]),
      ],
      { n: int64(1_000_000) },
    ),
  "the largest of a long line": () =>
    bomb(
      [
        nodeOf("ConstantOfShape", ["n"], ["big"]),
        nodeOf("ArgMax", ["big"], ["last"]),
        nodeOf("Cast", ["last"], ["real"], { to: { int: 1 } }),
        nodeOf("Add", ["x", "real"], ["v"]),
      ],
      { n: int64(16_000_000) },
    ),
  "a triangle of constants": () => alone(16_384, [nodeOf("Trilu", ["big"], ["last"])]),
  "NonZero of a constant": () =>
    alone(8192, [
      nodeOf("Cos", ["big"], ["ones"]),
      nodeOf("NonZero", ["ones"], ["last0"]),
      nodeOf("Cast", ["last0"], ["last"], { to: { int: 1 } }),
    ]),
  "pads that wrap": () =>
    alone(64, [nodeOf("Pad", ["big", "pads"], ["last"], { mode: { string: "wrap" } })]),
  "a convolution of much": () =>
    bomb(
      [
        nodeOf("ConstantOfShape", ["kernel"], ["k"]),
        nodeOf("Conv", ["x", "k"], ["v"], { pads: { ints: [200, 200, 200, 200] } }),
      ],
      { kernel: int64(512, 3, 65, 65) },
    ),
  "a resize to much": () =>
    bomb([nodeOf("Resize", ["x", "", "", "size"], ["v"], { mode: { string: "cubic" } })], {
      size: int64(1, 3, 20_000, 20_000),
    }),
  "an image of 2^62 pixels": () =>
    bomb([nodeOf("Neg", ["x"], ["v"])], {}, { inputs: { x: [1, 3, 2 ** 31, 2 ** 31] } }),
  "a batch of 2^31": () =>
    bomb([nodeOf("Neg", ["x"], ["v"])], {}, { inputs: { x: [2 ** 31 - 1, 3, 8, 8] } }),
  "a batch of a million": () =>
    bomb([nodeOf("Neg", ["x"], ["v"])], {}, { inputs: { x: [1_000_000, 3, 8, 8] } }),
  "an array of many axes": () =>
    bomb([nodeOf("Reshape", ["x", "ones"], ["o"]), nodeOf("Reshape", ["o", "back"], ["v"])], {
      ones: int64(192, ...times(5000, () => 1)),
      back: int64(1, 3, 8, 8),
    }),
  "a million inputs": () =>
    bomb([
      nodeOf(
        "Sum",
        times(1_000_000, () => "x"),
        ["v"],
      ),
    ]),
  "thousands of inputs": () =>
    bomb([
      nodeOf(
        "Concat",
        times(20_000, () => "x"),
        ["v"],
        { axis: { int: 1 } },
      ),
    ]),
  "an empty image": () => bomb([nodeOf("Neg", ["x"], ["v"])], {}, { inputs: { x: [1, 3, 0, 8] } }),
  "a name of a million letters": () => {
    const name = "x".repeat(1_000_000);
    return bomb([nodeOf("Neg", ["x"], [name]), nodeOf("NoSuch", [name], ["v"])]);
  },
  "an array that states 2^62 elements": () => {
    const model = fromBinary(ModelProtoSchema, bomb([nodeOf("Add", ["x", "one"], ["v"])]));
    for (const one of model.graph?.initializer ?? []) one.dims = [2n ** 31n, 2n ** 31n];
    return toBinary(ModelProtoSchema, model);
  },
};
