import type { NodeProto } from "onnx-buf";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import { keys, numbers, opened, release } from "../../test/fixtures/imported-fixture.ts";
import { type Lengths, nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { readModel } from "../engine/onnx/model.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { type NdArray, rows, tensor } from "../math/tensor.ts";
import {
  batchDependence,
  describeDependence,
  isQuantisation,
  oneByOne,
} from "./batch-dependence.ts";
import { classifier } from "./classifier.ts";
import { importedNetwork } from "./imported-network.ts";
import { verifyBatchRewrite } from "./verify-batch-rewrite.ts";

const runtime = await nodeRuntime({ threads: 1 });
afterAll(release);

const int64 = (...values: number[]): NdArray => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});
const arrays = {
  w: tensor(
    [3, 4],
    Array.from({ length: 12 }, (_, i) => Math.sin(3 * i)),
  ),
  wT: tensor(
    [4, 3],
    Array.from({ length: 12 }, (_, i) => Math.cos(2 * i)),
  ),
  wq: {
    dtype: "uint8",
    shape: [4, 3],
    data: Uint8Array.from({ length: 12 }, (_, i) => (37 * i) % 200),
  },
  wScale: tensor([], [0.02]),
  wZero: { dtype: "uint8", shape: [], data: Uint8Array.of(100) },
  scale: tensor([], [0.01]),
  zero: { dtype: "uint8", shape: [], data: Uint8Array.of(0) },
  q: tensor([], [255]),
  ones: tensor([4], [1, 1, 1, 1]),
  zeros: tensor([4], [0, 0, 0, 0]),
  first: int64(0),
} as const satisfies Record<string, NdArray>;

const flat = nodeOf("Flatten", ["x"], ["h"]);
const gemm = (from: string, to = "z") => nodeOf("Gemm", [from, "w"], [to], { transB: { int: 1 } });
const microsoft = { domain: "com.microsoft" };

const fileOf = (nodes: NodeProto[], input: Lengths = ["n", 1, 2, 2]) =>
  onnxFile(nodes, { inputs: { x: input }, outputs: { z: [input[0], 3] }, arrays });
const networkOf = (nodes: NodeProto[], input?: Lengths) =>
  importedNetwork(readModel(fileOf(nodes, input)), "fixture");

/** Pixels whose range differs from image to image. */
const images = (count: number) => {
  const x = numbers([count, 1, 2, 2]);
  return tensor(
    x.shape,
    x.data.map((v, i) => ((0.1 + v) * (1 + (Math.floor(i / 4) % 5))) / 6),
  );
};
const found = (nodes: NodeProto[], size = 128, input?: Lengths) =>
  batchDependence(runtime, networkOf(nodes, input), { images: images(16), size });

const independent: [string, NodeProto[]][] = [
  ["a linear classifier", [flat, gemm("h")]],
  [
    "batch normalisation by stored statistics",
    [
      flat,
      nodeOf("Unsqueeze", ["h", "last"], ["u"]),
      nodeOf("BatchNormalization", ["u", "ones", "zeros", "zeros", "ones"], ["b"]),
      nodeOf("Flatten", ["b"], ["f"]),
      gemm("f"),
    ],
  ],
  [
    "static quantisation",
    [
      flat,
      nodeOf("QuantizeLinear", ["h", "scale", "zero"], ["q8"]),
      nodeOf("DequantizeLinear", ["q8", "scale", "zero"], ["d"]),
      gemm("d"),
    ],
  ],
  [
    "the batch moved to the last axis and back",
    [flat, nodeOf("Transpose", ["h"], ["t"]), nodeOf("Transpose", ["t"], ["b"]), gemm("b")],
  ],
  ["scores that are equal for every image", [flat, nodeOf("Sub", ["h", "h"], ["n"]), gemm("n")]],
];

const mixing: [string, string, NodeProto[]][] = [
  [
    "scores minus their mean over the batch",
    '"ReduceMean of mu" (ReduceMean)',
    [
      flat,
      gemm("h", "s"),
      nodeOf("ReduceMean", ["s"], ["mu"], { axes: { ints: [0] } }),
      nodeOf("Sub", ["s", "mu"], ["z"]),
    ],
  ],
  [
    "batch normalisation written out by the batch's own deviation",
    '"ReduceMean of variance" (ReduceMean)',
    [
      flat,
      nodeOf("Mul", ["h", "h"], ["squares"]),
      nodeOf("ReduceMean", ["squares"], ["variance"], { axes: { ints: [0] } }),
      nodeOf("Sqrt", ["variance"], ["deviation"]),
      nodeOf("Div", ["h", "deviation"], ["normal"]),
      gemm("normal"),
    ],
  ],
  [
    "softmax over the batch in the middle",
    '"Softmax of a" (Softmax)',
    [flat, nodeOf("Softmax", ["h"], ["a"], { axis: { int: 0 } }), gemm("a")],
  ],
  [
    "every image minus the first one",
    '"Gather of one" (Gather)',
    [
      flat,
      nodeOf("Gather", ["h", "first"], ["one"]),
      nodeOf("Sub", ["h", "one"], ["apart"]),
      gemm("apart"),
    ],
  ],
];

const quantised: [string, string, NodeProto[]][] = [
  [
    "DynamicQuantizeLinear",
    "(DynamicQuantizeLinear)",
    [
      flat,
      nodeOf("DynamicQuantizeLinear", ["h"], ["q8", "s", "o"]),
      nodeOf("MatMulInteger", ["q8", "wq", "o", "wZero"], ["i"]),
      nodeOf("Cast", ["i"], ["c"], { to: { int: 1 } }),
      nodeOf("Mul", ["c", "s"], ["m"]),
      nodeOf("Mul", ["m", "wScale"], ["z"]),
    ],
  ],
  [
    "DynamicQuantizeMatMul of ONNX Runtime",
    "(DynamicQuantizeMatMul)",
    [flat, nodeOf("DynamicQuantizeMatMul", ["h", "wq", "wScale", "wZero"], ["z"], {}, microsoft)],
  ],
  [
    "rounding scaled by the largest pixel of the batch, written out",
    '"ReduceMax of most" (ReduceMax)',
    [
      flat,
      nodeOf("ReduceMax", ["h"], ["most"], { keepdims: { int: 0 } }),
      nodeOf("Div", ["h", "most"], ["share"]),
      nodeOf("Mul", ["share", "q"], ["levels"]),
      nodeOf("Round", ["levels"], ["round"]),
      nodeOf("Mul", ["round", "most"], ["back"]),
      gemm("back"),
    ],
  ],
];

describe("scores that do not depend on the batch", () => {
  it.each(independent)("%s: no dependence is reported", async (_, nodes) => {
    const model = readModel(
      onnxFile(nodes, {
        inputs: { x: ["n", 1, 2, 2] },
        outputs: { z: ["n", 3] },
        arrays: { ...arrays, last: int64(2) },
      }),
    );
    const network = importedNetwork(model, "fixture");
    expect(await batchDependence(runtime, network, { images: images(16), size: 128 })).toBeNull();
  });
});

describe("scores that depend on the batch", () => {
  it.each(mixing)("%s: the node is named", async (_, node, nodes) => {
    const dependence = await found(nodes);
    expect(dependence?.node).toMatchObject({ node, cause: "mixing" });
    expect(dependence !== null && isQuantisation(dependence)).toBe(false);
  });

  it.each(quantised)("%s: the quantiser explains it", async (_, node, nodes) => {
    const dependence = await found(nodes);
    expect(dependence?.node?.cause).toBe("range");
    expect(dependence?.node?.node).toContain(node);
    expect(dependence !== null && describeDependence(dependence)).toContain(
      "takes its scale from the whole batch",
    );
  });

  it("are reported with two images, and with small batches", async () => {
    const [, , nodes] = mixing[0];
    const few = { images: images(2), others: images(3), size: 2 };
    expect((await batchDependence(runtime, networkOf(nodes), few))?.images).toBe(2);
    // One image at a time cannot mix with others.
    expect(await batchDependence(runtime, networkOf(nodes), { images: images(4), size: 1 })).toBe(
      null,
    );
  });

  it("are reported with other images in the batch if all compared images are equal", async () => {
    const [, , nodes] = mixing[0];
    const alike = tensor([16, 1, 2, 2], new Float32Array(64).fill(0.5));
    const network = networkOf([flat, gemm("h", "s"), nodes[2], nodes[3]]);
    expect(await batchDependence(runtime, network, { images: alike, size: 16 })).not.toBeNull();
  });

  it.each([...mixing, ...quantised])(
    "%s: the scores of each image alone are those of ONNX Runtime",
    async (...one) => {
      const [, , nodes] = one;
      const victim = classifier(runtime, oneByOne(networkOf(nodes)), {});
      opened.push(victim);
      const x = images(3);
      const { data } = await victim.logits(x, keys(3));
      const session = await InferenceSession.create(fileOf(nodes), { logSeverityLevel: 3 });
      for (let i = 0; i < 3; i++) {
        const fed = new OrtTensor("float32", rows(x, i, i + 1).data.slice(), [1, 1, 2, 2]);
        const { z } = await session.run({ x: fed });
        [...(z.data as Float32Array)].forEach((value, j) => {
          expect(data[3 * i + j]).toBeCloseTo(value, 3);
        });
      }
      await session.release();
    },
  );
});

describe("a file with a fixed batch that mixes its images", () => {
  const [, , nodes] = mixing[0];

  it("is reported, and scores each image among copies of itself", async () => {
    const network = await verifyBatchRewrite(runtime, networkOf(nodes, [4, 1, 2, 2]));
    expect(network.fixedBatch).toBe(4);
    const x = images(4);
    expect(await batchDependence(runtime, network, { images: x, size: 128 })).toMatchObject({
      images: 4,
      node: null,
    });
    const victim = classifier(runtime, oneByOne(network), {});
    opened.push(victim);
    // A score minus the mean of its own copies.
    const { data } = await victim.logits(x, keys(4));
    for (const value of data) expect(value).toBeCloseTo(0, 5);
  });

  it("is not reported if each row depends on its own image", async () => {
    const plain = [flat, nodeOf("Reshape", ["h", "four"], ["r"]), gemm("r")];
    const model = readModel(
      onnxFile(plain, {
        inputs: { x: [4, 1, 2, 2] },
        outputs: { z: [4, 3] },
        arrays: { ...arrays, four: int64(4, 4) },
      }),
    );
    const network = { ...importedNetwork(model, "fixture"), fixedBatch: 4 };
    expect(await batchDependence(runtime, network, { images: images(7), size: 8 })).toBeNull();
  });
});
