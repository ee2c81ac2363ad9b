import type { NodeProto } from "onnx-buf";
import { afterAll, describe, expect, it } from "vitest";
import {
  gemm,
  head,
  keys,
  numbers,
  opened,
  opening,
  release,
} from "../../test/fixtures/imported-fixture.ts";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { readModel } from "../engine/onnx/model.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { rows, tensor } from "../math/tensor.ts";
import { classifier } from "./classifier.ts";
import { importedNetwork } from "./imported-network.ts";
import { verifyBatchRewrite } from "./verify-batch-rewrite.ts";

const runtime = await nodeRuntime({ threads: 1 });
const open = opening(runtime);
afterAll(release);

describe("a file that is fixed to one image", () => {
  const fixed = { inputs: { x: [1, 1, 2, 2] }, outputs: { z: [1, 3] } };

  it("takes any batch if its reshape can be rewritten, with the results of single runs", async () => {
    const { network, victim } = await open(head, fixed);
    expect(network.fixedBatch).toBeNull();
    const x = numbers([5, 1, 2, 2]);
    const { data } = await victim.logits(x, keys(5));
    for (let i = 0; i < 5; i++) {
      const single = await victim.logits(rows(x, i, i + 1), keys(1));
      expect([...data.subarray(3 * i, 3 * i + 3)]).toEqual([...single.data]);
    }
  });

  it("runs one image at a time if images would mix, with the right losses and gradients", async () => {
    // In a batch of one the mean over the batch is the image itself.
    const axes = { axes: { ints: [0] } };
    const mixing = [
      nodeOf("ReduceMean", ["x"], ["m"], axes),
      nodeOf("Add", ["x", "m"], ["doubled"]),
      nodeOf("Reshape", ["doubled", "flat"], ["h"]),
      gemm,
    ];
    const { network, victim } = await open(mixing, fixed);
    expect(network.fixedBatch).toBe(1);
    const x = numbers([3, 1, 2, 2]);
    const { data } = await victim.logits(x, keys(3));
    const plain = await (await open(head, fixed)).victim.logits(x, keys(3));
    expect([...data]).toEqual([...plain.data].map((v) => 2 * v));
    const loss = { kind: "difference", labels: [0, 1, 2], targets: [1, 2, 0] } as const;
    const found = await victim.lossAndGradient(x, loss, keys(3));
    found.losses.forEach((value, i) => {
      expect(value).toBeCloseTo(data[3 * i + ((i + 1) % 3)] - data[4 * i], 5);
    });
    expect([...found.gradient.data.subarray(0, 4)]).toEqual([-2, 4, 0, 2]);
    const ofMean = { kind: "of-mean", draws: 3, loss: { kind: "ce", labels: [0] } } as const;
    // The loss of the mean of three draws, each run by itself: log Σ exp(mean) − mean of the label.
    const mean = [0, 1, 2].map((j) => (data[j] + data[3 + j] + data[6 + j]) / 3);
    const expected = Math.log(mean.reduce((sum, z) => sum + Math.exp(z), 0)) - mean[0];
    const { losses } = await victim.lossAndGradient(x, ofMean, keys(3));
    expect([...losses]).toEqual([expect.closeTo(expected, 5)]);
  });
});

describe("arrays of an earlier answer that nobody reads any more", () => {
  const onePerRun = [
    nodeOf("ReduceMean", ["x"], ["m"], { axes: { ints: [0] } }),
    nodeOf("Add", ["x", "m"], ["doubled"]),
    nodeOf("Reshape", ["doubled", "flat"], ["h"]),
    gemm,
  ];
  it.each([
    ["a file that takes any batch", head, null],
    ["a file that runs one image at a time", onePerRun, 1],
  ])("hold the next one, for %s", async (_, nodes, fixedBatch) => {
    const { network, victim } = await open(nodes, {
      inputs: { x: [1, 1, 2, 2] },
      outputs: { z: [1, 3] },
    });
    expect(network.fixedBatch).toBe(fixedBatch);
    const loss = { kind: "ce", labels: [0, 1, 2] } as const;
    const [x, y] = [numbers([4, 1, 2, 2]), numbers([3, 1, 2, 2])];
    const expected = await victim.lossAndGradient(y, loss, keys(3));
    const first = await victim.lossAndGradient(rows(x, 1, 4), loss, keys(3));
    expect(first.gradient.data).not.toEqual(expected.gradient.data);
    const second = await victim.lossAndGradient(y, loss, keys(3), { reuse: first });
    expect(second).toEqual(expected);
    expect(second.gradient.data.buffer).toBe(first.gradient.data.buffer);
    expect(second.logits.data.buffer).toBe(first.logits.data.buffer);
    const fewer = await victim.lossAndGradient(
      rows(y, 0, 2),
      { kind: "ce", labels: [0, 1] },
      keys(2),
      { reuse: second },
    );
    expect([...fewer.losses]).toEqual([...expected.losses.subarray(0, 2)]);
  });
});

describe("a class token in a file that is fixed to one image", () => {
  // Patches [1, 4, 2], a token before them, and a mean over the tokens: as a vision transformer has them.
  const tokens = {
    token: tensor([1, 1, 2], [0.5, -0.25]),
    five: { dtype: "int64", shape: [3], data: BigInt64Array.of(1n, 5n, 2n) },
    four: { dtype: "int64", shape: [3], data: BigInt64Array.of(1n, 4n, 2n) },
    one: { dtype: "int64", shape: [3], data: BigInt64Array.of(1n, 1n, 2n) },
    first: { dtype: "bool", shape: [1, 5, 1], data: Uint8Array.of(1, 0, 0, 0, 0) },
    v: tensor([2, 3], [1, 2, -1, 0, 1, 3]),
  } as const;
  const end = [
    nodeOf("Mul", ["all", "all"], ["squares"]),
    nodeOf("ReduceMean", ["squares"], ["mean"], { axes: { ints: [1] }, keepdims: { int: 0 } }),
    nodeOf("MatMul", ["mean", "v"], ["z"]),
  ];
  const patches = nodeOf("Reshape", ["x", "four"], ["p"]);
  const ways: [string, number | null, NodeProto[]][] = [
    [
      "expanded and joined",
      null,
      [
        nodeOf("Expand", ["token", "one"], ["t"]),
        nodeOf("Concat", ["t", "p"], ["all"], { axis: { int: 1 } }),
      ],
    ],
    [
      "chosen by a mask",
      null,
      [
        nodeOf("Pad", ["p"], ["padded"], { pads: { ints: [0, 1, 0, 0, 0, 0] } }),
        nodeOf("Where", ["first", "token", "padded"], ["all"]),
      ],
    ],
    [
      "written over a row of zeros that has the shape of one image",
      1,
      [
        nodeOf("ConstantOfShape", ["five"], ["zeros"]),
        nodeOf("Pad", ["p"], ["padded"], { pads: { ints: [0, 1, 0, 0, 0, 0] } }),
        nodeOf("Concat", ["padded", "zeros"], ["both"], { axis: { int: 0 } }),
        nodeOf("ReduceSum", ["both"], ["summed"], { axes: { ints: [0] } }),
        nodeOf("Where", ["first", "token", "summed"], ["all"]),
      ],
    ],
  ];
  it.each(ways)(
    "%s: runs in any batch or one by one, with the numbers of single runs",
    async (_, fixedBatch, nodes) => {
      const file = onnxFile([patches, ...nodes, ...end], {
        inputs: { x: [1, 2, 2, 2] },
        outputs: { z: [1, 3] },
        opset: 10,
        arrays: tokens,
      });
      const imported = importedNetwork(readModel(file), "fixture");
      const network = await verifyBatchRewrite(runtime, imported);
      expect(network.fixedBatch).toBe(fixedBatch);
      const victim = classifier(runtime, network, {});
      opened.push(victim);
      const x = numbers([3, 2, 2, 2]);
      const { data } = await victim.logits(x, keys(3));
      // By hand: Σ over the token and the four patches of their squares, over 5, times v.
      for (let i = 0; i < 3; i++) {
        const p = x.data.subarray(8 * i, 8 * i + 8);
        const mean = [0, 1].map(
          (k) =>
            ([0.5, -0.25][k] ** 2 + [0, 2, 4, 6].reduce((sum, at) => sum + p[at + k] ** 2, 0)) / 5,
        );
        const expected = [mean[0], 2 * mean[0] + mean[1], -mean[0] + 3 * mean[1]];
        expected.forEach((value, c) => {
          expect(data[3 * i + c]).toBeCloseTo(value, 5);
        });
      }
    },
  );
});

describe("the end of a file", () => {
  const inputs = { x: ["n", 4] };
  const ofEnd = (end: NodeProto[], output = "y") =>
    open([nodeOf("Identity", ["x"], ["h"]), gemm, ...end], {
      inputs,
      outputs: { [output]: ["n", 3] },
    });
  const x = numbers([2, 4]);

  it.each([
    ["Softmax", [nodeOf("Softmax", ["z"], ["y"], { axis: { int: 1 } })], ["Softmax"]],
    ["LogSoftmax", [nodeOf("LogSoftmax", ["z"], ["y"])], ["LogSoftmax"]],
    [
      "a softmax that is written out",
      [
        nodeOf("Exp", ["z"], ["e"]),
        nodeOf("ReduceSum", ["e"], ["s"]),
        nodeOf("Div", ["e", "s"], ["y"]),
      ],
      ["Softmax"],
    ],
    ["ArgMax", [nodeOf("ArgMax", ["z"], ["y"], { axis: { int: 1 } })], ["ArgMax"]],
  ] as const)("%s is taken off, and the logits are found", async (_, end, removed) => {
    const { network, victim } = await ofEnd([...end]);
    expect(network.removed).toEqual(removed);
    const logits = await (await ofEnd([], "z")).victim.logits(x, keys(2));
    expect([...(await victim.logits(x, keys(2))).data]).toEqual([...logits.data]);
  });

  it("that is one sigmoid becomes two classes", async () => {
    const nodes = [nodeOf("ReduceSum", ["x", "one"], ["s"]), nodeOf("Sigmoid", ["s"], ["y"])];
    const model = readModel(
      onnxFile(nodes, {
        inputs,
        outputs: { y: ["n", 1] },
        arrays: { one: { dtype: "int64", shape: [1], data: BigInt64Array.of(1n) } },
      }),
    );
    const victim = classifier(runtime, importedNetwork(model, "fixture"), {});
    opened.push(victim);
    const { shape, data } = await victim.logits(tensor([1, 4], [1, 2, 3, -1]), keys(1));
    expect([shape, [...data]]).toEqual([
      [1, 2],
      [0, 5],
    ]);
  });

  it("that is an image, as in segmentation, is refused", async () => {
    const model = readModel(
      onnxFile([nodeOf("Relu", ["x"], ["y"])], {
        inputs: { x: ["n", 3, 8, 8] },
        outputs: { y: ["n", 3, 8, 8] },
      }),
    );
    expect(() => importedNetwork(model, "fixture")).toThrow(
      expect.objectContaining({ code: "misfit" }),
    );
  });
});

describe("a file that draws random numbers itself", () => {
  it("is refused with what to do instead", async () => {
    const nodes = [
      nodeOf("RandomNormalLike", ["x"], ["noise"]),
      nodeOf("Add", ["x", "noise"], ["noisy"]),
      nodeOf("Flatten", ["noisy"], ["h"]),
      gemm,
    ];
    await expect(
      open(nodes, { inputs: { x: ["n", 1, 2, 2] }, outputs: { z: ["n", 3] } }),
    ).rejects.toThrow(
      /"RandomNormalLike of noise" \(RandomNormalLike, opset 17\): .*its random numbers cannot be reproduced.*--noise/,
    );
  });
});
