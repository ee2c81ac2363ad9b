// Small files whose loops, recurrent layers, lists and sparse arrays ask for much once they are written out.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  SparseTensorProtoSchema,
} from "onnx-buf";
import { tensorProto } from "../../src/engine/onnx/protos.ts";
import { type NdArray, tensor } from "../../src/math/tensor.ts";
import { graphOf, nodeOf } from "../fixtures/model-fixture.ts";
import { bomb, int64, times } from "./bombs.ts";

const body = (graph: GraphProto) => ({
  attribute: [
    create(AttributeProtoSchema, {
      name: "body",
      type: AttributeProto_AttributeType.GRAPH,
      g: graph,
    }),
  ],
});
const whole = (value: number): NdArray => ({ ...int64(value), shape: [] });

/** Loops within loops of `turns` turns; the innermost has the nodes given, from `in` to `out`. */
function loops(depth: number, turns: number, inner: readonly NodeProto[]) {
  let nodes = [...inner];
  for (let i = 0; i < depth; i++) {
    const last = nodes.length === 0 ? "in" : "out";
    const graph = graphOf(nodes, {
      inputs: { turn: [], going: [], in: [1, 3, 8, 8] },
      outputs: { going: null, [last]: null },
    });
    const end = i === depth - 1;
    nodes = [nodeOf("Loop", ["turns", "", end ? "x" : "in"], [end ? "v" : "out"], {}, body(graph))];
  }
  return bomb(nodes, { turns: whole(turns) });
}

/** A recurrent layer over `steps` rows of a constant, many times over. */
const recurrent = (steps: number, layers: number, directions = 1) =>
  bomb(
    [
      nodeOf("Expand", ["zero", "steps"], ["rows"]),
      ...times(layers, (i) => nodeOf("LSTM", ["rows", "lw", "lr"], ["", `h${i}`])),
      nodeOf(
        "Sum",
        times(layers, (i) => `h${i}`),
        ["h"],
      ),
      nodeOf("ReduceMax", ["h"], ["r"], { keepdims: { int: 0 } }),
      nodeOf("Add", ["x", "r"], ["v"]),
    ],
    {
      zero: tensor([1, 1, 1], [0]),
      steps: int64(steps, 1, 1),
      lw: tensor([directions, 4, 1]),
      lr: tensor([directions, 4, 1]),
    },
  );

/** By what they do. */
export const unrolledBombs: Readonly<Record<string, () => Uint8Array<ArrayBuffer>>> = {
  "loops within loops": () => loops(6, 4000, [nodeOf("Neg", ["in"], ["out"])]),
  "loops within loops of nothing": () => loops(6, 4000, []),
  "a loop that does not end": () => loops(1, 2 ** 40, [nodeOf("Neg", ["in"], ["out"])]),
  "a loop that doubles": () =>
    loops(1, 60, [nodeOf("Concat", ["in", "in"], ["out"], { axis: { int: 1 } })]),
  "a recurrent layer of many steps": () => recurrent(10_000_000, 1),
  "many recurrent layers": () => recurrent(1000, 1000),
  "a recurrent layer of many directions": () => recurrent(4, 1, 500_000),
  "a list of many values": () =>
    bomb(
      [
        nodeOf("Expand", ["zero", "many"], ["rows"]),
        nodeOf("SplitToSequence", ["rows"], ["list"]),
        nodeOf("SequenceAt", ["list", "first"], ["r"]),
        nodeOf("Add", ["x", "r"], ["v"]),
      ],
      { zero: tensor([1], [0]), many: int64(100_000_000), first: whole(0) },
    ),
  "a list that grows": () =>
    bomb(
      [
        nodeOf("SequenceEmpty", [], ["l0"]),
        ...times(15_000, (i) => nodeOf("SequenceInsert", [`l${i}`, "x"], [`l${i + 1}`])),
        nodeOf("SequenceAt", ["l15000", "first"], ["v"]),
      ],
      { first: whole(0) },
    ),
  "sparse arrays of nothing": () => {
    const model = fromBinary(ModelProtoSchema, bomb([nodeOf("Add", ["x", "s0"], ["v"])]));
    if (model.graph !== undefined)
      model.graph.sparseInitializer = times(100, (i) =>
        create(SparseTensorProtoSchema, {
          values: tensorProto(`s${i}`, tensor([0])),
          indices: tensorProto("", int64()),
          dims: [2n ** 26n],
        }),
      );
    return toBinary(ModelProtoSchema, model);
  },
  "an affine grid of much": () =>
    bomb(
      [
        nodeOf("AffineGrid", ["theta", "size"], ["grid"]),
        nodeOf("GridSample", ["x", "grid"], ["v"]),
      ],
      { theta: tensor([1, 2, 3], [1, 0, 0, 0, 1, 0]), size: int64(1, 3, 4000, 4000) },
    ),
  "columns of much": () =>
    bomb(
      [
        nodeOf("Expand", ["zero", "wide"], ["columns"]),
        nodeOf("Col2Im", ["columns", "sides", "block"], ["v"]),
      ],
      {
        zero: tensor([1, 1, 1], [0]),
        wide: int64(1, 3 * 2 ** 14, 1024),
        sides: int64(159, 159),
        block: int64(128, 128),
      },
    ),
  "thousands of nodes without a result": () =>
    bomb([...times(50_000, () => nodeOf("Neg", ["x"], ["", ""])), nodeOf("Neg", ["x"], ["v"])]),
};
