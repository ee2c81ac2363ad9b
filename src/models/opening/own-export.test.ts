import { readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type GraphProto, ModelProtoSchema, NodeProtoSchema } from "onnx-buf";
import { expect, it } from "vitest";
import { tensorProto } from "../../engine/onnx/protos.ts";
import { nodeRuntime } from "../../engine/runtime/node.ts";
import { keyOf } from "../../math/random.ts";
import { tensor } from "../../math/tensor.ts";
import { architecture } from "../architectures.ts";
import { exportOnnx } from "../export.ts";
import { initialParameters } from "../initial.ts";
import { onnxFile, openOnnx } from "./open-onnx.ts";

const spec = { shape: [1, 8, 8], classes: 3, mean: [0.5], std: [0.25] } as const;
const metadata = {
  defense: "ni-normal",
  data: "shapes",
  noise: "normal:0.25",
  classNames: ["a", "b", "c"],
  input: spec,
};

/** An export whose graph `change` changes; its metadata stay. */
function changed(change: (graph: GraphProto) => void): Uint8Array {
  const network = architecture("mlp-small", spec);
  const parameters = initialParameters(network, keyOf(1));
  const proto = fromBinary(ModelProtoSchema, exportOnnx(network, parameters, metadata));
  change(proto.graph as GraphProto);
  return toBinary(ModelProtoSchema, proto);
}

/** Puts a node with a constant in front of the network. */
function before(graph: GraphProto, opType: string, constant: number): void {
  for (const node of graph.node)
    node.input = node.input.map((name) => (name === "pixels" ? "changed" : name));
  graph.initializer.push(tensorProto("constant", tensor([1], [constant])));
  graph.node.unshift(
    create(NodeProtoSchema, { opType, input: ["pixels", "constant"], output: ["changed"] }),
  );
}

const open = async (bytes: Uint8Array) => {
  const host = { sha256: async () => "0".repeat(64) } as never;
  return openOnnx(onnxFile("m.onnx", bytes, new Map()), {}, { host, runtime: nodeRuntime });
};
const codesOf = ({ notes = [] }: Awaited<ReturnType<typeof open>>) => notes.map(({ code }) => code);

it("a file as exported is the network that its metadata name", async () => {
  const model = await open(changed(() => undefined));
  expect([model.architecture.name, codesOf(model)]).toEqual(["mlp-small", []]);
});

it.each([
  ["an operator that the export does not use", "Max", 0.3],
  ["an operator that it uses", "Sub", 0.01],
])("a file with %s more is read as it is, with its noise", async (_, opType, constant) => {
  const model = await open(changed((graph) => before(graph, opType, constant)));
  expect(codesOf(model)).toContain("graph-changed");
  expect(model.architecture.name).not.toBe("mlp-small");
  expect(model.parameters).toEqual({});
  const { defense, data, noise, classNames } = model;
  expect({ defense, data, noise, classNames, input: spec }).toEqual(metadata);
});

it("other nodes that compute the same, as of an older version, are the network", async () => {
  const model = await open(changed((graph) => before(graph, "Sub", 0)));
  expect([model.architecture.name, codesOf(model)]).toEqual(["mlp-small", []]);
});

it("a file of an older version, which has other nodes, is the network", async () => {
  const file = new URL("../../../test/models/at-linf.onnx", import.meta.url);
  const model = await open(readFileSync(file));
  expect([model.architecture.name, codesOf(model)]).toEqual(["wrn-10-1", []]);
});

it("a file with another constant in its first layer is read as it is", async () => {
  const model = await open(
    changed(({ initializer }) => {
      const constant = initializer.find(({ dims }) => dims.every((length) => length === 1n));
      if (constant === undefined) throw new Error("the export has no mean");
      const { name, dims } = constant;
      Object.assign(constant, tensorProto(name, tensor(dims.map(Number), [0.1])));
    }),
  );
  expect(codesOf(model)).toContain("graph-changed");
});

it("a file whose arrays another tool has replaced is read as it is", async () => {
  const bytes = changed((graph) => {
    const [weights] = graph.initializer;
    for (const node of graph.node)
      node.input = node.input.map((name) => (name === weights.name ? "cast" : name));
    graph.node.unshift(
      create(NodeProtoSchema, { opType: "Identity", input: ["quantised"], output: ["cast"] }),
    );
    weights.name = "quantised";
  });
  expect(codesOf(await open(bytes))).toContain("graph-changed");
});
