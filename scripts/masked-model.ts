// Writes a classifier whose gradients are masked: the network of an .onnx file behind pixels that are rounded to 256 levels.
//
//   npx tsx scripts/masked-model.ts MODEL.onnx OUT.onnx
//
// Rounding changes a prediction rarely, but its gradient is 0, so that only attacks without gradients find anything.

import { readFileSync, writeFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, NodeProtoSchema } from "onnx-buf";
import { tensorProto } from "../src/engine/onnx/protos.ts";
import { tensor } from "../src/math/tensor.ts";

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined)
  throw new Error("usage: npx tsx scripts/masked-model.ts MODEL.onnx OUT.onnx");
const model = fromBinary(ModelProtoSchema, readFileSync(from));
const { graph } = model;
const input = graph?.input[0]?.name;
if (graph === undefined || input === undefined) throw new Error(`${from} has no input`);
const rounded = "rampart-rounded";
for (const node of graph.node)
  node.input = node.input.map((name) => (name === input ? rounded : name));
const node = (opType: string, inputs: readonly string[], output: string) =>
  create(NodeProtoSchema, { opType, name: output, input: [...inputs], output: [output] });
graph.node.unshift(
  node("Mul", [input, "rampart-levels"], "rampart-scaled"),
  node("Round", ["rampart-scaled"], "rampart-integers"),
  node("Div", ["rampart-integers", "rampart-levels"], rounded),
);
graph.initializer.push(tensorProto("rampart-levels", tensor([1], [255])));
writeFileSync(to, toBinary(ModelProtoSchema, model));
