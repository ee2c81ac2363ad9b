// One field of the decoded messages is changed to what nobody writes, and the file is written again. Over 300 lines, one table of mutations.

import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type ModelProto,
  type NodeProto,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
} from "onnx-buf";
import { importers } from "../../src/engine/onnx/import/importers.ts";
import { attributeProto, tensorProto } from "../../src/engine/onnx/protos.ts";
import { lookUp } from "../../src/math/look-up.ts";
import { nodeOf } from "../fixtures/model-fixture.ts";
import { type Draws, reals, wholes } from "./draws.ts";

type Mutate = (model: ModelProto, draws: Draws) => void;

/** Every graph of a model, those inside nodes included, and the nodes of all graphs and functions. */
function parts(model: ModelProto): {
  graphs: GraphProto[];
  nodes: NodeProto[];
  tensors: TensorProto[];
  lists: NodeProto[][];
} {
  const graphs: GraphProto[] = [];
  const nodes: NodeProto[] = [];
  const lists: NodeProto[][] = [];
  const tensors: TensorProto[] = [];
  const visitNodes = (all: NodeProto[]) => {
    lists.push(all);
    for (const node of all) {
      nodes.push(node);
      for (const { g, t } of node.attribute) {
        if (g !== undefined) visit(g);
        if (t !== undefined) tensors.push(t);
      }
    }
  };
  const visit = (graph: GraphProto) => {
    graphs.push(graph);
    tensors.push(...graph.initializer);
    visitNodes(graph.node);
  };
  if (model.graph !== undefined) visit(model.graph);
  for (const one of model.functions) visitNodes(one.node);
  return { graphs, nodes, tensors, lists };
}

const names = (model: ModelProto): string[] => {
  const { nodes, graphs } = parts(model);
  return [
    ...nodes.flatMap(({ output, input }) => [...output, ...input]),
    ...graphs.flatMap(({ initializer }) => initializer.map(({ name }) => name)),
    "x",
    "",
    "nowhere",
    "__proto__",
    "constructor",
  ];
};

/** A graph's node in the middle of an edge: what read `name` reads its result. */
function inserted(
  model: ModelProto,
  draws: Draws,
  make: (from: string, to: string) => NodeProto[],
) {
  const nodes = model.graph?.node ?? [];
  const at = draws.below(nodes.length);
  const target = nodes[at];
  if (target === undefined || target.input.length === 0) return;
  const [from] = target.input;
  target.input[0] = "inserted";
  nodes.splice(at, 0, ...make(from, "inserted"));
}

const wholeArray = (name: string, ...values: bigint[]) =>
  tensorProto(name, {
    dtype: "int64",
    shape: [values.length],
    data: BigInt64Array.from(values, (v) => BigInt.asIntN(64, v)),
  });

/** Operators that make much of little, with what makes them. */
const growing: Readonly<
  Record<string, (from: string, to: string, draws: Draws) => readonly [NodeProto[], TensorProto[]]>
> = {
  doubling: (from, to, draws) => {
    const times = 4 + draws.below(60);
    const op = draws.of(["Concat", "Tile", "Add", "Expand", "MatMul"]);
    const at = (i: number): string => {
      if (i === 0) return from;
      return i === times ? to : `${to}${i}`;
    };
    const nodes = Array.from({ length: times }, (_, i) => {
      if (op === "Tile") return nodeOf("Tile", [at(i), "twos"], [at(i + 1)]);
      if (op === "Expand") return nodeOf("Expand", [at(i), `big${i}`], [at(i + 1)]);
      const more = op === "Concat" ? { axis: { int: draws.below(3) } } : undefined;
      return nodeOf(op, [at(i), at(i)], [at(i + 1)], more);
    });
    const sizes = nodes.map((_, i) => wholeArray(`big${i}`, 2n ** BigInt(i), 1n, 1n, 1n, 1n));
    const arrays = [wholeArray("twos", 2n, 2n, 2n, 2n)];
    if (op === "Expand") arrays.push(...sizes);
    return [nodes, arrays];
  },
  expand: (from, to, draws) => [
    [nodeOf("Expand", [from, "size"], [to])],
    [wholeArray("size", ...Array.from({ length: 4 }, () => draws.of(wholes)))],
  ],
  tile: (from, to, draws) => [
    [nodeOf("Tile", [from, "size"], [to])],
    [wholeArray("size", ...Array.from({ length: 4 }, () => draws.of(wholes)))],
  ],
  pad: (from, to, draws) => [
    [
      nodeOf("Pad", [from, "size"], [to], {
        mode: { string: draws.of(["constant", "edge", "reflect", "wrap"]) },
      }),
    ],
    [wholeArray("size", ...Array.from({ length: 8 }, () => draws.of(wholes)))],
  ],
  resize: (from, to, draws) => [
    [
      nodeOf("Resize", [from, "", "", "size"], [to], {
        mode: { string: draws.of(["nearest", "linear", "cubic"]) },
      }),
    ],
    [wholeArray("size", ...Array.from({ length: 4 }, () => draws.of(wholes)))],
  ],
  made: (from, to, draws) => [
    [
      nodeOf("ConstantOfShape", ["size"], [`${to}0`]),
      nodeOf(draws.of(["Add", "Mul", "MatMul", "Concat", "Where", "Pow"]), [from, `${to}0`], [to], {
        axis: { int: draws.below(4) },
      }),
    ],
    [wholeArray("size", ...Array.from({ length: draws.below(5) }, () => draws.of(wholes)))],
  ],
  range: (from, to, draws) => [
    [
      nodeOf("Range", ["start", "stop", "step"], [`${to}0`]),
      nodeOf(draws.of(["NonZero", "Cast"]), [`${to}0`], [`${to}1`], { to: { int: 1 } }),
      nodeOf("Add", [from, `${to}1`], [to]),
    ],
    ["start", "stop", "step"].map((name) => wholeArray(name, draws.of(wholes))),
  ],
  oneHot: (from, to, draws) => [
    [
      nodeOf("ArgMax", [from], [`${to}0`], { axis: { int: draws.below(4) } }),
      nodeOf("OneHot", [`${to}0`, "depth", "values"], [to]),
    ],
    [wholeArray("depth", draws.of(wholes)), wholeArray("values", 0n, 1n)],
  ],
  product: (from, to, draws) => {
    const side = draws.of([64n, 1024n, 4096n, 8192n, 16_384n]);
    const times = 1 + draws.below(5);
    const at = (i: number) => `${to}p${i}`;
    return [
      [
        nodeOf("ConstantOfShape", ["square"], [at(0)]),
        ...Array.from({ length: times }, (_, i) =>
          nodeOf(
            draws.of(["MatMul", "CumSum", "Trilu", "Softmax", "Sin"]),
            [at(i), at(i)],
            [at(i + 1)],
          ),
        ),
        nodeOf("ReduceMax", [at(times)], [`${to}m`]),
        nodeOf("Add", [from, `${to}m`], [to]),
      ],
      [wholeArray("square", side, side)],
    ];
  },
};

/** What is changed in one attribute. */
function changeAttribute(one: AttributeProto, draws: Draws): void {
  const before = one.type;
  if (draws.chance(0.1))
    one.type = draws.of([
      Kind.INT,
      Kind.FLOAT,
      Kind.STRING,
      Kind.TENSOR,
      Kind.GRAPH,
      Kind.INTS,
      99 as Kind,
    ]);
  else if (draws.below(10) === 0)
    one.name = draws.of(["axis", "perm", "pads", "nothing", "value", ""]);
  else if (before === Kind.INT) one.i = draws.of(wholes);
  else if (before === Kind.FLOAT) one.f = draws.of(reals);
  else if (before === Kind.INTS) {
    if (draws.chance(0.3))
      one.ints = Array.from({ length: draws.below(70) }, () => draws.of(wholes));
    else one.ints[draws.below(one.ints.length)] = draws.of(wholes);
  } else if (before === Kind.STRING)
    one.s = new TextEncoder().encode(
      draws.of(["", "SAME_UPPER", "wrap", "linear", "cubic", "…,,->..", "ii->i", "\u0000"]),
    );
  else if (before === Kind.GRAPH && one.g !== undefined && draws.chance(0.5)) one.g.node = [];
}

function changeTensor(one: TensorProto, draws: Draws): void {
  const change = draws.below(8);
  if (change === 0) one.dims[draws.below(one.dims.length)] = draws.of(wholes);
  else if (change === 1) one.dims = Array.from({ length: draws.below(40) }, () => draws.of(wholes));
  else if (change === 2) one.dataType = draws.below(26);
  else if (change === 3) one.rawData = one.rawData.slice(0, draws.below(one.rawData.length));
  else if (change === 4) one.dims.push(draws.of([1n, 0n, 2n, 2n ** 31n]));
  else if (change === 5 && one.dataType === 7 && one.rawData.length >= 8) {
    // Whole numbers are mostly shapes, axes and indices.
    const values = new BigInt64Array(one.rawData.slice().buffer);
    values[draws.below(values.length)] = draws.of(wholes);
    one.rawData = new Uint8Array(values.buffer);
  } else if (change === 6 && one.dataType === 1 && one.rawData.length >= 4) {
    const values = new Float32Array(one.rawData.slice().buffer);
    values[draws.below(values.length)] = draws.of(reals);
    one.rawData = new Uint8Array(values.buffer);
  } else {
    one.dataLocation = TensorProto_DataLocation.EXTERNAL;
    const places = [
      "../outside.bin",
      "/etc/passwd",
      "weights.bin",
      "",
      ".",
      "../models/model.onnx",
      "a\u0000b",
    ];
    one.externalData = [
      ["location", draws.of([...places, "model.onnx", "sub/../../outside.bin", "..\\outside.bin"])],
      ["offset", draws.of(["0", "-1", "9e99", "NaN", "3", `${2 ** 53}`])],
      ["length", draws.of(["0", "16", "-5", "1e12", "x"])],
    ].map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
  }
}

/** Each takes hold of one thing. */
export const structureMutations: Readonly<Record<string, Mutate>> = {
  array: (model, draws) => {
    const { tensors } = parts(model);
    if (tensors.length > 0) changeTensor(draws.of(tensors), draws);
  },
  "whole numbers": (model, draws) => {
    const one = draws.of(parts(model).tensors.filter(({ dataType }) => dataType === 7));
    if (one === undefined || one.rawData.length < 8) return;
    const values = new BigInt64Array(one.rawData.slice().buffer);
    for (let i = draws.below(3); i >= 0; i--) values[draws.below(values.length)] = draws.of(wholes);
    one.rawData = new Uint8Array(values.buffer);
  },
  attribute: (model, draws) => {
    const node = draws.of(parts(model).nodes.filter(({ attribute: all }) => all.length > 0));
    if (node !== undefined) changeAttribute(draws.of(node.attribute), draws);
  },
  "attribute added": (model, draws) => {
    const name = draws.of([
      "axis",
      "axes",
      "perm",
      "pads",
      "strides",
      "dilations",
      "group",
      "kernel_shape",
      "keepdims",
      "auto_pad",
      "output_padding",
      "output_shape",
      "size",
      "blocksize",
      "epsilon",
      "alpha",
      "to",
      "block_size",
      "k",
      "p",
      "batch_dims",
      "num_heads",
      "num_groups",
      "allowzero",
      "ceil_mode",
      "training_mode",
      "mode",
    ]);
    const value = draws.of([
      { ints: Array.from({ length: draws.below(6) }, () => Number(draws.of(wholes.slice(0, -6)))) },
      { float: draws.of(reals) },
    ]);
    const node = draws.of(parts(model).nodes);
    const one = draws.chance(0.5)
      ? attributeProto(name, value)
      : create(AttributeProtoSchema, { name, type: Kind.INT, i: draws.of(wholes) });
    node.attribute = [...node.attribute.filter((other) => other.name !== name), one];
  },
  "attribute dropped": (model, draws) => {
    const node = draws.of(parts(model).nodes);
    node.attribute.splice(draws.below(node.attribute.length), 1);
  },
  input: (model, draws) => {
    const node = draws.of(parts(model).nodes);
    node.input[draws.below(node.input.length + 1)] = draws.of(names(model));
  },
  "inputs swapped": (model, draws) => {
    const { nodes } = parts(model);
    const [a, b] = [draws.of(nodes), draws.of(nodes)];
    const [i, j] = [draws.below(a.input.length), draws.below(b.input.length)];
    [a.input[i], b.input[j]] = [b.input[j] ?? "", a.input[i] ?? ""];
  },
  "input dropped": (model, draws) => {
    const node = draws.of(parts(model).nodes);
    node.input.splice(draws.below(node.input.length), 1);
  },
  output: (model, draws) => {
    const node = draws.of(parts(model).nodes);
    node.output[draws.below(node.output.length + 1)] = draws.of(names(model));
  },
  operator: (model, draws) => {
    const node = draws.of(parts(model).nodes);
    node.domain = draws.of(["", "", "", "com.microsoft", "own", "ai.onnx", "nobody", "toString"]);
    const known = lookUp(importers, node.domain) ?? { Block: 0, Twist: 0, If: 0 };
    node.opType = draws.of([...Object.keys(known), "constructor"]);
  },
  "node dropped": (model, draws) => {
    const list = draws.of(parts(model).lists);
    list.splice(draws.below(list.length), 1);
  },
  "node twice": (model, draws) => {
    const list = draws.of(parts(model).lists);
    if (list.length > 0) list.push(draws.of(list));
  },
  "array dropped": (model, draws) => {
    const graph = draws.of(parts(model).graphs);
    graph.initializer.splice(draws.below(graph.initializer.length), 1);
  },
  "array renamed": (model, draws) => {
    const { tensors } = parts(model);
    if (tensors.length > 0) draws.of(tensors).name = draws.of(names(model));
  },
  declaration: (model, draws) => {
    const graph = model.graph;
    if (graph === undefined) return;
    const info = draws.of(draws.chance(0.8) ? graph.input : graph.output);
    const type = info?.type?.value;
    if (type?.case !== "tensorType") return;
    if (draws.chance(0.2)) type.value.elemType = draws.below(24);
    const dims = type.value.shape?.dim ?? [];
    if (draws.chance(0.2)) dims.splice(draws.below(dims.length), 1);
    const dim = draws.of(dims);
    if (dim !== undefined) dim.value = { case: "dimValue", value: draws.of(wholes) };
  },
  opset: (model, draws) => {
    const one = draws.of(model.opsetImport);
    if (one !== undefined) one.version = draws.of([...wholes, 1n, 6n, 9n, 11n, 13n, 18n, 25n]);
  },
  growth: (model, draws) => {
    inserted(model, draws, (from, to) => {
      const [nodes, arrays] = draws.of(Object.values(growing))(from, to, draws);
      model.graph?.initializer.push(...arrays);
      return nodes;
    });
  },
  "function calls itself": (model, draws) => {
    const { lists } = parts(model);
    const node = draws.of(draws.of(lists));
    if (node === undefined) return;
    node.domain = "own";
    node.opType = draws.of(["Block", "Twist"]);
  },
};
