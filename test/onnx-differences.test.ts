import { toBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { readModel } from "../src/engine/onnx/model.ts";
import { tensor } from "../src/math/tensor.ts";
import { changesOf } from "./fixtures/hardened-file.ts";
import { nodeOf, onnxFile } from "./fixtures/model-fixture.ts";
import { differences } from "./fixtures/onnx-differences.ts";

const file = onnxFile(
  [
    nodeOf("Conv", ["x", "w"], ["c"], { strides: { ints: [1, 2] } }),
    nodeOf("Flatten", ["c"], ["z"]),
  ],
  {
    inputs: { x: ["n", 1, 2, 2] },
    outputs: { z: ["n", 4] },
    arrays: { w: tensor([2, 1, 1, 1], [1, 2]) },
  },
);

/** The same file after a change. */
function changed(change: (proto: ModelProto) => void): Uint8Array {
  const { proto } = readModel(file);
  change(proto);
  return toBinary(ModelProtoSchema, proto);
}

describe("the comparison of two ONNX files", () => {
  it("finds no difference in the same file, decoded and encoded again", () => {
    expect(
      differences(
        file,
        changed(() => undefined),
      ),
    ).toEqual([]);
  });

  it.each<readonly [path: string, change: (proto: ModelProto) => void]>([
    ["producer_name[0]", (proto) => Object.assign(proto, { producerName: "other" })],
    ["opset_import[0].version[0]", ({ opsetImport: [one] }) => Object.assign(one, { version: 9n })],
    ["graph[0].node[1].name[0]", ({ graph }) => Object.assign(graph?.node[1] ?? {}, { name: "f" })],
    [
      "graph[0].node[0].attribute[0].ints",
      ({ graph }) => graph?.node[0].attribute[0].ints.splice(0, 1),
    ],
    ["graph[0].initializer[0].dims", ({ graph }) => graph?.initializer[0].dims.push(1n)],
    [
      "graph[0].initializer[0].doc_string[0]",
      ({ graph }) => Object.assign(graph?.initializer[0] ?? {}, { docString: "new" }),
    ],
    [
      "graph[0].output[0].name[0]",
      ({ graph }) => Object.assign(graph?.output[0] ?? {}, { name: "y" }),
    ],
  ])("finds %s", (path, change) => {
    expect(differences(file, changed(change)).map((one) => one.path)).toEqual([path]);
  });

  it("counts the numbers that differ in an array", () => {
    const other = changed(({ graph }) => {
      Object.assign(graph?.initializer[0] ?? {}, {
        rawData: new Uint8Array(Float32Array.of(1, 3).buffer),
      });
    });
    expect(changesOf(file, other)).toEqual({
      arrays: [{ name: "w", changed: 1, numbers: 2 }],
      other: [],
    });
  });
});
