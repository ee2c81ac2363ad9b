import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { externalModel, WEIGHTS } from "../../../test/fixtures/external-model.ts";
import { nodeOf, onnxFile as plainFile } from "../../../test/fixtures/model-fixture.ts";
import { nodeRuntime } from "../../engine/runtime/node.ts";
import { portableHost } from "../../files/host/host.ts";
import { nodeHost } from "../../files/host/node.ts";
import { onnxChecksum } from "./onnx-checksum.ts";
import { onnxFile, openOnnx } from "./open-onnx.ts";

const hash = (...parts: readonly (Uint8Array | string)[]): string => {
  const sum = createHash("sha256");
  for (const part of parts) sum.update(part);
  return sum.digest("hex");
};

/** The file with weights drawn from a seed; its message is the same for every seed. */
function fileWith(seed: number, others: Readonly<Record<string, Uint8Array>> = {}) {
  const { bytes, weights } = externalModel([1, 2, 2], 3, seed);
  const beside = new Map(Object.entries({ ...others, [WEIGHTS]: weights }));
  return { file: onnxFile("m.onnx", bytes, beside), weights };
}

it("is the checksum of the file if nothing lies beside it", async () => {
  const bytes = plainFile([nodeOf("Relu", ["x"], ["y"])], {
    inputs: { x: ["n", 3] },
    outputs: { y: ["n", 3] },
  });
  const beside = new Map([["unused.bin", Uint8Array.of(1)]]);
  expect(await onnxChecksum(onnxFile("m.onnx", bytes, beside), nodeHost)).toBe(hash(bytes));
});

it("is that of (cat m.onnx; sha256sum m.onnx.data) | sha256sum if the arrays lie beside it", async () => {
  const { file, weights } = fileWith(1);
  const expected = hash(file.bytes, `${hash(weights)}  ${WEIGHTS}\n`);
  expect(await onnxChecksum(file, nodeHost)).toBe(expected);
  expect(await onnxChecksum(file, portableHost)).toBe(expected);
});

it("a file beside it that holds none of its arrays counts for nothing", async () => {
  const { file } = fileWith(1, { "a.txt": Uint8Array.of(1) });
  expect(await onnxChecksum(file, nodeHost)).toBe(await onnxChecksum(fileWith(1).file, nodeHost));
});

it("arrays that were not read are an error", async () => {
  const file = onnxFile("m.onnx", fileWith(1).file.bytes, new Map());
  await expect(onnxChecksum(file, nodeHost)).rejects.toMatchObject({ code: "not-found" });
});

it("networks that differ in their external data alone have other weights", async () => {
  const tools = { host: nodeHost, runtime: () => nodeRuntime() };
  const weightsOf = async (seed: number) =>
    (await openOnnx(fileWith(seed).file, {}, tools)).weights;
  expect(fileWith(2).file.bytes).toEqual(fileWith(1).file.bytes);
  expect(await weightsOf(2)).not.toBe(await weightsOf(1));
  expect(await weightsOf(1)).toBe(await weightsOf(1));
});
