import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../../../test/fixtures/model-fixture.ts";
import { type NdArray, tensor } from "../../../math/tensor.ts";
import { tensorProto } from "../protos.ts";
import { encodeModel } from "./encode-model.ts";

describe("the bytes of a model", () => {
  it("equal those of the general protobuf encoder", () => {
    const nodes = [nodeOf("Add", ["x", "a"], ["y"], { axis: { int: 3 } })];
    const file = onnxFile(nodes, { inputs: { x: [2, "n"] }, outputs: { y: [2, 3] } });
    const model = fromBinary(ModelProtoSchema, file);
    model.metadataProps = [{ $typeName: "onnx.StringStringEntryProto", key: "k", value: "v" }];
    const long = new Float32Array(50_000).map((_, i) => Math.sin(i));
    const arrays: [string, NdArray][] = [
      ["a", tensor([2, 3], [1, 2, 3, 4, 5, 6])],
      ["none", tensor([0])],
      ["whole", { dtype: "int64", shape: [], data: BigInt64Array.of(-5n) }],
      ["long", tensor([50_000], long)],
      ["part", tensor([7], long.subarray(3, 10))],
      ["ü", { dtype: "bool", shape: [1], data: Uint8Array.of(1) }],
    ];
    const bytes = encodeModel(model, arrays);
    if (model.graph === undefined) throw new Error("no graph");
    model.graph.initializer = arrays.map(([name, array]) => tensorProto(name, array));
    expect(Buffer.from(bytes).equals(toBinary(ModelProtoSchema, model))).toBe(true);
  });
});
