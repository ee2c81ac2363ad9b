import { expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../../../test/fixtures/model-fixture.ts";
import { normal } from "../../../math/distributions.ts";
import { keyOf, keysFor } from "../../../math/random.ts";
import { elementCount, type Shape, type Tensor, tensor } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import { interpret } from "../../graph/interpret.ts";
import { readModel } from "../model.ts";
import { type BlockSize, blockSizeOf, blockSizes, unblocked } from "./blocked-weights.ts";
import { importGraph } from "./import-graph.ts";

const drawn = (shape: Shape, seed: number) => normal(keysFor(keyOf(seed), [0]), [1, ...shape]);

/** Weights whose output channels differ in variance, as trained ones do. */
function weights([outputs, ...rest]: Shape, seed: number, spread = 1): Tensor {
  const { data } = drawn([outputs, ...rest], seed);
  const scales = drawn([outputs], seed + 1).data.map((v) => Math.exp(spread * v));
  return tensor(
    [outputs, ...rest],
    data.map((v, i) => v * scales[Math.floor(i / elementCount(rest))]),
  );
}

/** The inverse of `unblocked`: six loops in the order of memory. */
function blockedOf({ shape: [out, inputs, rows, columns], data }: Tensor, b: BlockSize): Tensor {
  const inner = inputs < b ? 1 : b;
  const to: number[] = [];
  for (let ob = 0; ob < out; ob += b)
    for (let ib = 0; ib < inputs; ib += inner)
      for (let tap = 0; tap < rows * columns; tap++)
        for (let i = ib; i < ib + inner; i++)
          for (let o = ob; o < ob + b; o++) to.push(data[(o * inputs + i) * rows * columns + tap]);
  return tensor([out, inputs, rows, columns], to);
}

/**
 * A file optimised for one kind of CPU: convolutions with few inputs, with a sum and an activation,
 * and depthwise.
 */
const fileFor = (b: BlockSize, [w1, w2, w3]: readonly Tensor[]) => {
  const blocked = { domain: "com.microsoft.nchwc" };
  const same = { pads: { ints: [1, 1, 1, 1] }, kernel_shape: { ints: [3, 3] } };
  const channels = w1.shape[0];
  return onnxFile(
    [
      nodeOf(
        "Conv",
        ["x", "w1", "b1"],
        ["c1"],
        { ...same, activation: { string: "Relu" } },
        blocked,
      ),
      nodeOf(
        "Conv",
        ["c1", "w2", "", "c1"],
        ["c2"],
        { ...same, activation: { string: "Tanh" } },
        blocked,
      ),
      nodeOf("Conv", ["c2", "w3"], ["c3"], { ...same, group: { int: channels } }, blocked),
      nodeOf("MaxPool", ["c3"], ["c4"], { kernel_shape: { ints: [2, 2] } }, blocked),
      nodeOf("Upsample", ["c4"], ["c5"], { scales: { ints: [1, 1, 2, 2] } }, blocked),
      nodeOf(
        "ReorderOutput",
        ["c5"],
        ["plain"],
        { channels: { int: channels - 1 }, channels_last: { int: 1 } },
        blocked,
      ),
      nodeOf("ReorderInput", ["plain"], ["c6"], { channels_last: { int: 1 } }, blocked),
      nodeOf("GlobalAveragePool", ["c6"], ["c7"], {}, blocked),
      nodeOf("ReorderOutput", ["c7"], ["y"], { channels: { int: channels - 1 } }, blocked),
    ],
    {
      inputs: { x: [2, 3, 5, 4] },
      outputs: { y: null },
      arrays: {
        w1: blockedOf(w1, b),
        w2: blockedOf(w2, b),
        w3: blockedOf(w3, b),
        b1: tensor([channels], drawn([channels], 9).data),
      },
    },
  );
};

const channels = 32;
const three = [
  weights([channels, 3, 3, 3], 1),
  weights([channels, channels, 3, 3], 3),
  weights([channels, 1, 3, 3], 5),
];

it.each(blockSizes)("weights in blocks of %i are reordered to plain order", (b) => {
  for (const w of three) expect(unblocked(blockedOf(w, b), b).data).toEqual(w.data);
});

it.each(blockSizes)(
  "the weights of a file reveal blocks of %i, and the import computes the same as plain convolutions",
  (b) => {
    const model = readModel(fileFor(b, three));
    expect(blockSizeOf(model)).toBe(b);
    const x = tensor([2, 3, 5, 4], drawn([2, 3, 5, 4], 7).data);
    const found = interpret([importGraph(model, { x: g.input("x", x.shape) }).outputs.y], { x });

    const [w1, w2, w3] = three.map(g.constant);
    const bias = g.reshape(g.constant(tensor([channels], drawn([channels], 9).data)), [
      1,
      channels,
      1,
      1,
    ]);
    const pads = [1, 1, 1, 1];
    const c1 = g.relu(g.add(g.conv(g.input("x", x.shape), w1, { pads }), bias));
    const c2 = g.tanh(g.add(g.conv(c1, w2, { pads }), c1));
    const c3 = g.conv(c2, w3, { pads, groups: channels });
    const pooled = g.sliceAxis(g.maxPool(c3, { kernel: [2, 2] }), 1, 0, channels - 1);
    const [expected] = interpret([g.mean(pooled, [2, 3], true)], { x });
    expect(found[0].shape).toEqual(expected.shape);
    expected.data.forEach((v, i) => {
      expect(Number(found[0].data[i])).toBeCloseTo(Number(v), 5);
    });
  },
);

it("shapes decide if they can: 24 channels are in blocks of 8", () => {
  const even = [
    [24, 3, 3, 3],
    [24, 24, 3, 3],
    [24, 1, 3, 3],
  ].map((shape, i) => weights(shape, i, 0));
  expect(blockSizeOf(readModel(fileFor(8, even)))).toBe(8);
});

it("the block size must be stated if neither shapes nor variances decide", () => {
  const even = three.map(({ shape }, i) => weights(shape, i, 0));
  const model = readModel(fileFor(16, even));
  expect(() => blockSizeOf(model)).toThrow("state the block size with --block-size");
  const read = (blockSize?: number) =>
    importGraph(
      model,
      { x: g.input("x", [2, 3, 5, 4]) },
      blockSize === undefined ? {} : { blockSize },
    );
  expect(() => read()).toThrow("stores channels in blocks of 8 or 16");
  expect(read(16).outputs.y.shape).toEqual([2, channels - 1, 1, 1]);
});
