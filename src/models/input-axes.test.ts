import type { NodeProto } from "onnx-buf";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import { keys, numbers, opened, release } from "../../test/fixtures/imported-fixture.ts";
import { type Lengths, nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { readModel } from "../engine/onnx/model.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { elementCount, type NdArray, rowSize, type Shape, tensor } from "../math/tensor.ts";
import { classifier } from "./classifier.ts";
import { type ImportedOptions, importedNetwork } from "./imported-network.ts";

const runtime = await nodeRuntime({ threads: 1 });
afterAll(release);

const int64 = (...values: number[]): NdArray => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});
const weights = (inputs: number) =>
  tensor(
    [3, inputs],
    Array.from({ length: 3 * inputs }, (_, i) => Math.sin(i)),
  );

interface Case {
  readonly input: Lengths;
  readonly output?: Lengths;
  readonly nodes: NodeProto[];
  readonly arrays: Readonly<Record<string, NdArray>>;
  readonly options?: ImportedOptions;
}

const fileOf = ({ input, output = [3], nodes, arrays }: Case) =>
  onnxFile(nodes, { inputs: { x: input }, outputs: { z: output }, arrays });

/** The scores of ONNX Runtime for one image, in the shape that the file takes. */
async function truth(bytes: Uint8Array, image: Float32Array, shape: Shape): Promise<number[]> {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const { z } = await session.run({ x: new OrtTensor("float32", image, [...shape]) });
  await session.release();
  return [...(z.data as Float32Array)];
}

/** The scores of three images by the importer, each with those of ONNX Runtime for that image alone. */
async function compare(one: Case, inputShape: Shape, fed: Shape, turned = (x: Float32Array) => x) {
  const bytes = fileOf(one);
  const network = importedNetwork(readModel(bytes), "fixture", one.options);
  expect(network.inputShape).toEqual(inputShape);
  const victim = classifier(runtime, network, {});
  opened.push(victim);
  const x = numbers([3, ...inputShape]);
  const { data } = await victim.logits(x, keys(3));
  for (let i = 0; i < 3; i++) {
    const image = x.data.slice(i * rowSize(x), (i + 1) * rowSize(x));
    const expected = await truth(bytes, turned(image), fed);
    expected.forEach((value, j) => {
      expect(data[3 * i + j]).toBeCloseTo(value, 4);
    });
  }
  return network;
}

/** Flattens everything into one row. */
const rowHead = [
  nodeOf("Reshape", ["x", "row"], ["h"]),
  nodeOf("Gemm", ["h", "w"], ["g"], { transB: { int: 1 } }),
];
const squeezed = [...rowHead, nodeOf("Squeeze", ["g", "zero"], ["z"])];
const row = (inputs: number) => ({ w: weights(inputs), row: int64(1, -1), zero: int64(0) });

describe("a file whose input has no batch axis", () => {
  it("and three axes takes one image", async () => {
    const { fixedBatch, notes } = await compare(
      { input: [2, 3, 4], nodes: squeezed, arrays: row(24) },
      [2, 3, 4],
      [2, 3, 4],
    );
    expect(fixedBatch).toBe(1);
    expect(notes[0].code).toBe("no-batch-axis");
  });

  it("and one axis takes one image, with or without a batch axis in its scores", async () => {
    await compare({ input: [4], nodes: squeezed, arrays: row(4) }, [4], [4]);
    const nodes = [rowHead[0], nodeOf("Gemm", ["h", "w"], ["z"], { transB: { int: 1 } })];
    await compare({ input: [4], output: [1, 3], nodes, arrays: row(4) }, [4], [4]);
  });

  it("takes the caller's image if that has its shape, and no batch of grey images", async () => {
    // Three scores for [3, 2, 2] could be one score for each of three grey images.
    const one = { input: [3, 2, 2], nodes: squeezed, arrays: row(12) };
    await compare({ ...one, options: { shape: [3, 2, 2] } }, [3, 2, 2], [3, 2, 2]);
  });

  it("has channels last if the last axis is short", async () => {
    const turned = (x: Float32Array) =>
      Float32Array.from({ length: 90 }, (_, i) => x[(i % 3) * 30 + Math.floor(i / 3)]);
    await compare(
      { input: [6, 5, 3], nodes: squeezed, arrays: row(90) },
      [3, 6, 5],
      [6, 5, 3],
      turned,
    );
  });

  it("may leave all lengths open", async () => {
    const nodes = [
      nodeOf("Unsqueeze", ["x", "zero"], ["b"]),
      nodeOf("Conv", ["b", "kernel"], ["c"]),
      nodeOf("GlobalAveragePool", ["c"], ["p"]),
      nodeOf("Reshape", ["p", "all"], ["z"]),
    ];
    const kernel = tensor(
      [3, 2, 2, 2],
      Array.from({ length: 24 }, (_, i) => Math.cos(i)),
    );
    const arrays = { kernel, zero: int64(0), all: int64(-1) };
    const input = ["channels", "height", "width"];
    const options = { shape: [2, 4, 3] };
    await compare({ input, nodes, arrays, options }, [2, 4, 3], [2, 4, 3]);
  });

  it("keeps a stated batch above 1 if it outputs a row per image", () => {
    const nodes = [
      nodeOf("Flatten", ["x"], ["h"]),
      nodeOf("Gemm", ["h", "w"], ["z"], { transB: { int: 1 } }),
    ];
    const file = fileOf({ input: [2, 2, 2], output: [2, 3], nodes, arrays: { w: weights(4) } });
    const network = importedNetwork(readModel(file), "fixture");
    expect([network.inputShape, network.statedBatch]).toEqual([[2, 2], 2]);
  });

  it("fails with both interpretations if an image fits neither", () => {
    const file = fileOf({ input: [3, 4, 4], nodes: squeezed, arrays: row(48) });
    expect(() => importedNetwork(readModel(file), "fixture", { shape: [3, 8, 8] })).toThrow(
      /takes images of \[4, 4\] and was given \[3, 8, 8\].*takes images of \[3, 4, 4\]/,
    );
  });
});

describe("a file whose batch is the last axis", () => {
  it("runs one image at a time", async () => {
    const nodes = [nodeOf("MatMul", ["w", "x"], ["z"])];
    const one = { input: [4, "n"], output: [3, "n"], nodes, arrays: { w: weights(4) } };
    const { fixedBatch, notes } = await compare(one, [4], [4, 1]);
    expect([fixedBatch, notes[0].code]).toEqual([1, "batch-last"]);
  });
});

describe("a file with an open batch that works for one image only", () => {
  const ways: [string, NodeProto[], Lengths][] = [
    [
      "since it flattens the batch too",
      [
        nodeOf("Flatten", ["x"], ["h"], { axis: { int: 0 } }),
        nodeOf("Gemm", ["h", "w"], ["z"], { transB: { int: 1 } }),
      ],
      ["n", 3],
    ],
    ["since its reshape states one row", [rowHead[0], { ...rowHead[1], output: ["z"] }], ["n", 3]],
    [
      "since it gives one row for the mean of the batch",
      [
        nodeOf("Flatten", ["x"], ["f"]),
        nodeOf("ReduceMean", ["f"], ["h"], { axes: { ints: [0] } }),
        nodeOf("Gemm", ["h", "w"], ["z"], { transB: { int: 1 } }),
      ],
      [1, 3],
    ],
    ["since it removes the batch", squeezed, [3]],
  ];
  it.each(ways)("%s runs one image at a time", async (_, nodes, output) => {
    const one = { input: ["n", 1, 2, 2], output, nodes, arrays: row(4) };
    const { fixedBatch, notes } = await compare(one, [1, 2, 2], [1, 1, 2, 2]);
    expect([fixedBatch, notes[0].code]).toEqual([1, "single-image"]);
  });

  it("is refused if it outputs one number for a whole batch, such as an accuracy", () => {
    const nodes = [
      nodeOf("Flatten", ["x"], ["h"]),
      nodeOf("ReduceMean", ["h"], ["z"], { keepdims: { int: 0 } }),
    ];
    const file = fileOf({ input: ["n", 1, 2, 2], output: [], nodes, arrays: {} });
    expect(() => importedNetwork(readModel(file), "fixture")).toThrow(
      "output z is a single number for a whole batch",
    );
  });
});

describe("an open axis besides the batch", () => {
  const nodes = [
    nodeOf("Cast", ["x"], ["f"], { to: { int: 1 } }),
    nodeOf("ReduceMean", ["f"], ["m"], { axes: { ints: [1] } }),
    nodeOf("MatMul", ["m", "v"], ["z"]),
  ];
  const v = tensor([1, 3], [1, 2, 3]);
  const bytesFile = (input: Lengths) =>
    readModel(
      onnxFile(nodes, {
        inputs: { x: input },
        inputTypes: { x: "uint8" },
        outputs: { z: ["batch", 3] },
        arrays: { v },
      }),
    );

  it.each([[["batch", "length"]], [["batch", -1]], [["batch", 0]], [[-1, "N"]]])(
    "of %j follows from the numbers of an image",
    async (input) => {
      const network = importedNetwork(bytesFile(input), "fixture", { shape: [1, 2, 3] });
      expect(network.fixedBatch).toBeNull();
      const victim = classifier(runtime, network, {});
      opened.push(victim);
      const x = tensor([2, 1, 2, 3], [0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1]);
      const { data } = await victim.logits(x, keys(2));
      [127.5, 255, 382.5, 255, 510, 765].forEach((value, i) => {
        expect(data[i]).toBeCloseTo(value, 3);
      });
    },
  );

  it("is named with its option if no image gives its length", () => {
    expect(() => importedNetwork(bytesFile(["batch", "length"]), "fixture")).toThrow(
      /\(axis length\): x \[batch, length\]; state it with --input-shape/,
    );
    expect(() => importedNetwork(bytesFile(["batch", 4, "a", "b"]), "f", { shape: [5] })).toThrow(
      "takes images of [4, a, b] and was given [5]",
    );
    expect(() => importedNetwork(bytesFile(["n", 4, "a"]), "f", { shape: [1, 2, 3] })).toThrow(
      "leaves axis a of x [n, 4, a] open, and an image of [1, 2, 3] does not fit into the others",
    );
  });

  it("takes the height or width of a grey image", () => {
    const file = fileOf({
      input: ["batch", "height", "width"],
      output: ["batch", 3],
      nodes: [
        nodeOf("Unsqueeze", ["x", "one"], ["c"]),
        nodeOf("GlobalAveragePool", ["c"], ["p"]),
        nodeOf("Flatten", ["p"], ["f"]),
        nodeOf("MatMul", ["f", "v"], ["z"]),
      ],
      arrays: { v, one: int64(1) },
    });
    for (const shape of [
      [1, 5, 4],
      [3, 5, 4],
    ])
      expect(importedNetwork(readModel(file), "fixture", { shape }).inputShape).toEqual([1, 5, 4]);
  });

  it("gives its length to other inputs with the same name", async () => {
    const file = onnxFile(
      [
        nodeOf("Mul", ["x", "mask"], ["m"]),
        nodeOf("ReduceSum", ["m", "one"], ["s"]),
        nodeOf("MatMul", ["s", "v"], ["p"]),
        nodeOf("Concat", ["p", "mask"], ["z"], { axis: { int: 1 } }),
      ],
      {
        inputs: { x: ["batch", "length"], mask: ["batch", "length"] },
        outputs: { z: ["batch", "k"] },
        arrays: { v, one: int64(1) },
      },
    );
    const network = importedNetwork(readModel(file), "fixture", {
      shape: [1, 2, 2],
      input: "x",
      constants: { mask: 1 },
    });
    // Three scores, and the mask itself: one entry per number of the image.
    expect(network.classes).toBe(3 + elementCount([1, 2, 2]));
  });
});
