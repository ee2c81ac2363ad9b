import type { NodeProto } from "onnx-buf";
import { afterAll, describe, expect, it } from "vitest";
import { keyOf, keysFor } from "../math/random.ts";
import { rows, type Shape, sizeOf, tensor } from "../math/tensor.ts";
import { readModel } from "../onnx/model.ts";
import { type FixtureOptions, nodeOf, onnxFile } from "../onnx/model-fixture.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { checkedNetwork } from "./checked.ts";
import { classifier } from "./classifier.ts";
import { type ImportedOptions, importedNetwork } from "./imported.ts";

const runtime = await nodeRuntime({ threads: 1 });
const opened: { release(): Promise<void> }[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});

const numbers = (shape: Shape) =>
  tensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7919) % 101) / 101),
  );
const keys = (count: number) =>
  keysFor(
    keyOf(0),
    Array.from({ length: count }, (_, i) => i),
  );

const arrays = {
  w: tensor([3, 4], [1, 0, 0, -1, 0, 2, 0, 0, 0, 0, 3, 1]),
  flat: { dtype: "int64", shape: [2], data: BigInt64Array.of(1n, -1n) },
} as const;
const gemm = nodeOf("Gemm", ["h", "w"], ["z"], { transB: { int: 1 } });
const head = [nodeOf("Reshape", ["x", "flat"], ["h"]), gemm];

async function open(
  nodes: NodeProto[],
  fixture: Omit<FixtureOptions, "arrays">,
  options: ImportedOptions = {},
) {
  const model = readModel(onnxFile(nodes, { ...fixture, arrays }));
  const network = await checkedNetwork(runtime, importedNetwork(model, "fixture", options));
  const victim = classifier(runtime, network, {});
  opened.push(victim);
  return { network, victim };
}

describe("a file that is fixed to one picture", () => {
  const fixed = { inputs: { x: [1, 1, 2, 2] }, outputs: { z: [1, 3] } };

  it("takes any batch when its reshape can be rewritten, with the numbers of single runs", async () => {
    const { network, victim } = await open(head, fixed);
    expect(network.fixedBatch).toBeNull();
    const x = numbers([5, 1, 2, 2]);
    const { data } = await victim.logits(x, keys(5));
    for (let i = 0; i < 5; i++) {
      const single = await victim.logits(rows(x, i, i + 1), keys(1));
      expect([...data.subarray(3 * i, 3 * i + 3)]).toEqual([...single.data]);
    }
  });

  it("is run one by one when its pictures would meet, with losses and gradients of their own", async () => {
    // In a batch of one the mean over the batch is the picture itself.
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
  });
});

describe("the end of a file", () => {
  const inputs = { x: ["n", 4] };
  const ofEnd = (end: NodeProto[], output = "y") =>
    open([nodeOf("Identity", ["x"], ["h"]), gemm, ...end], {
      ...{ inputs, outputs: { [output]: ["n", 3] } },
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

  it("of one number, a sigmoid, is two classes", async () => {
    const nodes = [nodeOf("ReduceSum", ["x", "one"], ["s"]), nodeOf("Sigmoid", ["s"], ["y"])];
    const model = readModel(
      onnxFile(nodes, {
        ...{ inputs, outputs: { y: ["n", 1] } },
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

  it("of pictures, as a segmentation has, is refused", async () => {
    const model = readModel(
      onnxFile([nodeOf("Relu", ["x"], ["y"])], {
        ...{ inputs: { x: ["n", 3, 8, 8] }, outputs: { y: ["n", 3, 8, 8] } },
      }),
    );
    expect(() => importedNetwork(model, "fixture")).toThrow("one row of scores per picture");
  });
});

describe("pictures in [0, 1] become what a file takes:", () => {
  it("mean, standard deviation and white are applied per channel, in channels-last order", async () => {
    const model = readModel(
      onnxFile(
        [
          nodeOf("Identity", ["x"], ["seen"]),
          nodeOf("ReduceMean", ["x"], ["z"], { axes: { ints: [1, 2] }, keepdims: { int: 0 } }),
        ],
        { inputs: { x: ["n", 5, 7, 3] }, outputs: { z: ["n", 3] } },
      ),
    );
    const network = importedNetwork(model, "fixture", {
      ...{ mean: [0.1, 0.2, 0.3], std: [0.5, 1, 2], scale: 255 },
    });
    expect(network.inputShape).toEqual([3, 5, 7]);
    const victim = classifier(runtime, network, {});
    opened.push(victim);
    const grey = tensor([1, 3, 5, 7], new Float32Array(105).fill(0.4));
    const { data } = await victim.logits(grey, keys(1));
    [0.6, 0.2, 0.05].forEach((expected, i) => {
      expect(data[i]).toBeCloseTo(255 * expected, 3);
    });
  });

  const openSize = readModel(
    onnxFile([nodeOf("GlobalAveragePool", ["x"], ["y"])], {
      ...{ inputs: { x: ["n", 3, "h", "w"] }, outputs: { y: ["n", 3, 1, 1] } },
    }),
  );

  it("a size that the file leaves open must be stated", () => {
    expect(() => importedNetwork(openSize, "fixture")).toThrow(
      "[n, 3, h, w]; give pictures of the size that it was trained on",
    );
    const { inputShape, classes } = importedNetwork(openSize, "fixture", { shape: [3, 6, 6] });
    expect([inputShape, classes]).toEqual([[3, 6, 6], 3]);
  });

  it.each([
    [{ output: "nowhere", shape: [3, 6, 6] }, "no output nowhere; its outputs are y [n, 3, 1, 1]"],
    [{ shape: [1, 6, 6] }, "takes pictures of [3, h, w] and was given [1, 6, 6]"],
    [{ mean: [0.1, 0.2], shape: [3, 6, 6] }, "mean has 2 numbers for 3 channels"],
  ])("%j is refused", (options, message) => {
    expect(() => importedNetwork(openSize, "fixture", options)).toThrow(message);
  });
});

describe("a file of more inputs than one", () => {
  const fixture = {
    inputs: { x: ["n", 1, 2, 2], keep: [], training: [1] },
    inputTypes: { training: "bool" },
    outputs: { z: ["n", 3] },
  } as const;
  const nodes = [
    nodeOf("Cast", ["training"], ["t"], { to: { int: 1 } }),
    nodeOf("Mul", ["x", "keep"], ["kept"]),
    nodeOf("Add", ["kept", "t"], ["shifted"]),
    nodeOf("Flatten", ["shifted"], ["h"]),
    gemm,
  ];

  it("is fed the numbers that are given for the others", async () => {
    const x = numbers([2, 1, 2, 2]);
    const plain = await (
      await open([nodeOf("Flatten", ["x"], ["h"]), gemm], {
        inputs: { x: ["n", 1, 2, 2] },
        outputs: { z: ["n", 3] },
      })
    ).victim.logits(
      tensor(
        x.shape,
        x.data.map((value) => 2 * value + 1),
      ),
      keys(2),
    );
    const { victim } = await open(nodes, fixture, { feed: { keep: 2, training: 1 } });
    const { data } = await victim.logits(x, keys(2));
    for (const [i, value] of data.entries()) expect(value).toBeCloseTo(plain.data[i], 5);
  });

  it.each([
    [{}, "the file also takes keep [], beside the picture's x; say what to feed it"],
    [{ keep: 1 }, "the file also takes training [1]"],
    [{ keep: 1, training: 0, drop: 1 }, "--feed names drop, which is no input beside"],
  ])("is refused under --feed %j", async (feed, message) => {
    await expect(open(nodes, fixture, { feed })).rejects.toThrow(message);
  });

  it("needs to know which takes the picture, where two could", async () => {
    const two = { inputs: { x: ["n", 1, 2, 2], y: ["n", 1, 2, 2] }, outputs: { z: ["n", 3] } };
    const both = [nodeOf("Add", ["x", "y"], ["s"]), nodeOf("Flatten", ["s"], ["h"]), gemm];
    await expect(open(both, two)).rejects.toThrow(
      "say which takes the picture with --picture-input",
    );
    await expect(open(both, two, { input: "x", feed: { y: 0 } })).resolves.toBeDefined();
  });
});

describe("a file that takes bytes", () => {
  const bytes = {
    ...{ inputs: { x: ["n", 1, 2, 2] }, outputs: { z: ["n", 3] } },
    inputTypes: { x: "uint8" },
  } as const;
  const nodes = [
    nodeOf("Cast", ["x"], ["f"], { to: { int: 1 } }),
    nodeOf("Flatten", ["f"], ["h"]),
    gemm,
  ];

  it("gets pixels times 255, rounded, and says that its gradients are approximate", async () => {
    const { network, victim } = await open(nodes, bytes);
    const { data } = await victim.logits(tensor([1, 1, 2, 2], [0.1, 0.2, 0.3, 1]), keys(1));
    // Rows of w are (1, 0, 0, −1), (0, 2, 0, 0), (0, 0, 3, 1), and the bytes 26, 51, 77 and 255 (or, in float32, 25 and 76).
    expect([-229, -230]).toContain(data[0]);
    expect(data[1]).toBe(102);
    expect([3 * 76 + 255, 3 * 77 + 255]).toContain(data[2]);
    expect(network.notes).toEqual([expect.stringMatching(/x takes whole numbers.*approximate/)]);
  });
});

describe("pictures in colour", () => {
  it("meet a network of one channel in grey", async () => {
    const one = { inputs: { x: ["n", 1, 2, 2] }, outputs: { z: ["n", 3] } };
    expect((await open(head, one, { shape: [3, 2, 2] })).network.inputShape).toEqual([1, 2, 2]);
    await expect(open(head, one, { shape: [3, 4, 4] })).rejects.toThrow("bring them to that size");
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
      /"RandomNormalLike of noise" \(RandomNormalLike, opset 17\): it draws random numbers.*--noise/,
    );
  });
});
