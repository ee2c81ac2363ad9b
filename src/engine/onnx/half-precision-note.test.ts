import { TensorProto_DataType as T } from "onnx-buf";
import { expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../../test/fixtures/model-fixture.ts";
import { imported } from "../../../test/fixtures/run-fixture.ts";
import { tensor } from "../../math/tensor.ts";
import { input } from "../graph/expressions.ts";
import { importGraph } from "./import/import-graph.ts";
import { readModel } from "./model.ts";

const feeds = { x: tensor([2], [1, 2]) };
const through = (type: number) => [
  nodeOf("Cast", ["x"], ["h"], { to: { int: type } }),
  nodeOf("Add", ["h", "h"], ["s"]),
  nodeOf("Cast", ["s"], ["y"], { to: { int: T.FLOAT } }),
];

it("the note for a cast to float16 mentions the evaluation in float32 and the overflow", () => {
  const { notes } = imported(through(T.FLOAT16), feeds);
  expect(notes.map(({ code }) => code)).toEqual(["half-precision"]);
  expect(notes[0].text).toMatch(/computes in float16 .* float32: .* 65504/);
});

it("the note for bfloat16 does not mention overflow, since bfloat16 has the range of float32", () => {
  const { notes } = imported(through(T.BFLOAT16), feeds);
  expect(notes.map(({ code }) => code)).toEqual(["half-precision"]);
  expect(notes[0].text).toMatch(/^the file computes in bfloat16 /);
  expect(notes[0].text).not.toContain("65504");
});

it("an input of half precision gets the note", () => {
  const file = onnxFile([nodeOf("Neg", ["x"], ["y"])], { inputs: { x: [2] }, outputs: { y: [2] } });
  const model = readModel(file);
  const halved = Object.assign({}, model.inputs[0], { elementType: T.FLOAT16 });
  const { notes } = importGraph(Object.assign({}, model, { inputs: [halved] }), {
    x: input("x", [2]),
  });
  expect(notes.map(({ code }) => code)).toEqual(["half-precision"]);
});

it("casts to other types and constants stored in half precision get no note", () => {
  expect(imported(through(T.DOUBLE), feeds).notes).toEqual([]);
  const nodes = [
    nodeOf("Cast", ["c"], ["h"], { to: { int: T.FLOAT16 } }),
    nodeOf("Cast", ["h"], ["f"], { to: { int: T.FLOAT } }),
    nodeOf("Add", ["x", "f"], ["y"]),
  ];
  expect(imported(nodes, feeds, { arrays: { c: tensor([2], [1, 2]) } }).notes).toEqual([]);
});
