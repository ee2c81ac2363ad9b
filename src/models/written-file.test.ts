import { create, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
} from "onnx-buf";
import { expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { readModel } from "../engine/onnx/model.ts";
import { decodeTensor } from "../engine/onnx/tensors.ts";
import { tensor } from "../math/tensor.ts";
import { importedNetwork } from "./imported-network.ts";
import { storedTensor, trainableNetwork } from "./trainable-network.ts";
import { writtenFile } from "./written-file.ts";

const flat = { dtype: "int64", shape: [2], data: BigInt64Array.of(0n, -1n) } as const;
const twelve = (start: number) => Array.from({ length: 12 }, (_, i) => Math.sin(start + i));

/** A file with one matrix `w`, whose message `change` changes. */
function fileWith(change: (w: TensorProto) => void, external = new Map<string, Uint8Array>()) {
  const nodes = [
    nodeOf("Reshape", ["x", "flat"], ["h"]),
    nodeOf("Cast", ["w"], ["f"], { to: { int: TensorProto_DataType.FLOAT } }),
    nodeOf("MatMul", ["h", "f"], ["z"]),
  ];
  const made = onnxFile(nodes, {
    inputs: { x: ["n", 1, 2, 2] },
    outputs: { z: ["n", 3] },
    arrays: { flat, w: tensor([4, 3], twelve(0)) },
  });
  const { proto } = readModel(made);
  change(arrayOf(proto.graph?.initializer));
  const bytes = toBinary(ModelProtoSchema, proto);
  return { bytes, model: readModel(bytes, external), path: "m.onnx" };
}

function arrayOf(arrays: readonly TensorProto[] = []): TensorProto {
  const found = arrays.find(({ name }) => name === "w");
  if (found === undefined) throw new Error("the file has no w");
  return found;
}

/** The file with these numbers in `w`. */
function trained(file: ReturnType<typeof fileWith>, numbers: readonly number[]) {
  const network = trainableNetwork(importedNetwork(file.model, "m.onnx"));
  const parameters = { "file/w": tensor([4, 3], numbers) };
  return writtenFile(file, network, parameters, { "rampart.hardened": "{}" });
}

it("has other numbers in the trained array, one more entry of metadata, and no other difference", () => {
  const file = fileWith(() => undefined);
  const after = readModel(trained(file, twelve(5)).bytes);
  const w = arrayOf(after.proto.graph?.initializer);
  expect(decodeTensor(w).data).toEqual(Float32Array.from(twelve(5)));
  expect(after.metadata).toEqual({ "rampart.hardened": "{}" });
  w.rawData = arrayOf(file.model.proto.graph?.initializer).rawData;
  after.proto.metadataProps.length = 0;
  expect(after.proto).toEqual(file.model.proto);
});

it("replaces the entry of an earlier training instead of adding another", () => {
  const { bytes } = trained(
    fileWith(() => undefined),
    twelve(5),
  );
  const again = trained(
    { bytes: new Uint8Array(bytes), model: readModel(bytes), path: "m.onnx" },
    twelve(6),
  );
  expect(readModel(again.bytes).proto.metadataProps).toHaveLength(1);
});

it.each([
  ["float16 in raw data", TensorProto_DataType.FLOAT16, 2 ** -11, "rawData"],
  ["float16 in a field", TensorProto_DataType.FLOAT16, 2 ** -11, "int32Data"],
  ["bfloat16 in raw data", TensorProto_DataType.BFLOAT16, 2 ** -8, "rawData"],
  ["float64 in a field", TensorProto_DataType.DOUBLE, 1e-7, "doubleData"],
  ["float32 in a field", TensorProto_DataType.FLOAT, 0, "floatData"],
] as const)("rounds to %s, to the nearest", (_, type, precision, field) => {
  const size = type === TensorProto_DataType.DOUBLE ? 8 : 2;
  const file = fileWith((w) => {
    w.dataType = type;
    w.rawData = new Uint8Array(field === "rawData" ? 12 * size : 0);
    if (field !== "rawData") w[field] = new Array(12).fill(0);
  });
  const { bytes } = trained(file, twelve(3));
  const w = arrayOf(readModel(bytes).graph.initializer);
  expect([w.dataType, w.rawData.length > 0]).toEqual([type, field === "rawData"]);
  for (const [i, value] of Array.from(decodeTensor(w).data, Number).entries())
    expect(Math.abs(value - twelve(3)[i])).toBeLessThanOrEqual(
      precision * Math.abs(twelve(3)[i]) + 1e-7,
    );
});

it("keeps the bits of an array that did not change", () => {
  const file = fileWith((w) => {
    w.dataType = TensorProto_DataType.DOUBLE;
    w.rawData = new Uint8Array(Float64Array.from(twelve(0), (v) => v / 3).buffer);
  });
  const network = trainableNetwork(importedNetwork(file.model, "m.onnx"));
  const same = Object.fromEntries(
    [...network.stored].map(([name, one]) => [name, storedTensor(one)]),
  );
  const { bytes } = writtenFile(file, network, same, {});
  expect(bytes).toEqual(file.bytes);
});

it("changes only its part of a file beside the model", () => {
  const beside = new Uint8Array(100).fill(7);
  beside.set(new Uint8Array(Float32Array.from(twelve(0)).buffer), 40);
  const file = fileWith(
    (w) => {
      w.rawData = new Uint8Array(0);
      w.dataLocation = TensorProto_DataLocation.EXTERNAL;
      w.externalData = Object.entries({ location: "w.bin", offset: "40", length: "48" }).map(
        ([key, value]) => create(StringStringEntryProtoSchema, { key, value }),
      );
    },
    new Map([["w.bin", beside]]),
  );
  const { bytes, external } = trained(file, twelve(5));
  const written = external.get("w.bin") ?? new Uint8Array(0);
  expect(written.length).toBe(100);
  expect([...written.subarray(0, 40), ...written.subarray(88)]).toEqual(new Array(52).fill(7));
  expect(beside[40]).not.toBe(written[40]);
  const { graph } = readModel(bytes, external);
  expect(decodeTensor(arrayOf(graph.initializer), external).data).toEqual(
    Float32Array.from(twelve(5)),
  );
  expect(arrayOf(graph.initializer).externalData).toEqual(
    arrayOf(file.model.graph.initializer).externalData,
  );
});
