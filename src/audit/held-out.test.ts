import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { expect, it } from "vitest";
import { onnxFile as bytesOf, nodeOf } from "../../test/fixtures/model-fixture.ts";
import type { Dataset, Split } from "../data/dataset.ts";
import type { FolderOptions } from "../data/folder-options.ts";
import { withHeldOutTest } from "../data/held-out.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { nodeHost } from "../files/host/node.ts";
import { tensor } from "../math/tensor.ts";
import { onnxFile } from "../models/opening/open-onnx.ts";
import type { AuditSource } from "./audit-request.ts";
import { openAudited } from "./open-audited.ts";
import { AuditOptions } from "./options.ts";

/** Images of two classes, whose pixels are their index; like a folder without a split. */
function photos(size: number): Dataset {
  const all: Split = {
    size,
    labels: Array.from({ length: size }, (_, i) => i % 2),
    images: (indices) =>
      tensor(
        [indices.length, 1, 1, 2],
        indices.flatMap((i) => [i / 255, i / 255]),
      ),
  };
  const name = "folder:photos";
  return {
    name,
    shape: [1, 1, 2],
    classes: ["a", "b"],
    mean: [0],
    std: [1],
    train: all,
    test: all,
  };
}

/** A linear classifier with this metadata. */
function fileWith(metadata: Readonly<Record<string, string>>) {
  const nodes = [nodeOf("Flatten", ["x"], ["f"]), nodeOf("MatMul", ["f", "w"], ["z"])];
  const written = bytesOf(nodes, {
    inputs: { x: ["n", 1, 1, 2] },
    outputs: { z: ["n", 2] },
    arrays: { w: tensor([2, 2], [1, 2, 3, 4]) },
  });
  const proto = fromBinary(ModelProtoSchema, written);
  for (const [key, value] of Object.entries(metadata))
    proto.metadataProps.push({ $typeName: "onnx.StringStringEntryProto", key, value });
  return onnxFile("hardened.onnx", toBinary(ModelProtoSchema, proto), new Map());
}

/** What an audit of the first images of a folder of 400 tests. */
async function audited(metadata: Readonly<Record<string, string>>) {
  const file = fileWith(metadata);
  const source: AuditSource = {
    path: file.path,
    onnx: async () => file,
    openOther: () => Promise.reject(new Error("unused")),
    readText: async () => null,
    isSameData: async (a, b) => a === b,
    openData: async (_, { maxImages = 400 }: FolderOptions) => photos(maxImages),
  };
  const runtime = await nodeRuntime({ threads: 1 });
  const request = { source, host: nodeHost, runtime, data: "folder:photos" };
  return openAudited(request, AuditOptions.parse({ examples: 50 }));
}

const all = ({ size, images }: Split) => [...images([...Array(size).keys()]).data];
const trained = { defense: "at-linf", data: "folder:photos", noise: null };
const heldOut = { examples: 80, of: 400 };

it.each([
  ["a hardened file", { "rampart.hardened": JSON.stringify({ ...trained, heldOut }) }],
  [
    "an export whose nodes were edited",
    {
      "rampart.architecture": "mlp-small",
      "rampart.input": JSON.stringify({ shape: [1, 1, 2], classes: 2, mean: [0], std: [1] }),
      "rampart.defense": "at-linf",
      "rampart.data": "folder:photos",
      "rampart.held_out": JSON.stringify(heldOut),
    },
  ],
])(
  "an audit of %s tests images that its training held out, however few are asked for",
  async (_, metadata) => {
    const { dataset, trainedOnWarning } = await audited(metadata);
    expect(trainedOnWarning).toBeNull();
    expect(all(dataset.test)).toEqual(all(withHeldOutTest(photos(400)).test));
  },
);

it("an audit of a file without such a record reads no more images than it is asked for", async () => {
  const elsewhere = { "rampart.hardened": JSON.stringify({ ...trained, data: "npz:x" }) };
  expect((await audited({})).dataset.test.size).toBe(50);
  expect((await audited(elsewhere)).dataset.test.size).toBe(50);
});
