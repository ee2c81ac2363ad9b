import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { memoryData } from "./data-files.ts";
import { openDataset } from "./table.ts";

const idx = (shape: readonly number[], data: readonly number[]): Uint8Array =>
  Uint8Array.of(0, 0, 8, shape.length, ...shape.flatMap((n) => [0, 0, n >> 8, n & 255]), ...data);
const imageFile = (count: number, size = 28) =>
  idx(
    [count, size, size],
    Array.from({ length: count * size * size }, (_, i) => i % 256),
  );

const tiny = (change: Record<string, Uint8Array> = {}, folder = "memory/mnist") =>
  memoryData({
    [`${folder}/train-images-idx3-ubyte`]: imageFile(2),
    [`${folder}/train-labels.idx1-ubyte`]: idx([2], [7, 0]),
    [`${folder}/t10k-images-idx3-ubyte.gz`]: gzipSync(imageFile(1)),
    [`${folder}/t10k-labels-idx1-ubyte.gz`]: gzipSync(idx([1], [9])),
    ...change,
  });

describe("MNIST", () => {
  it("is read packed or not, under either name, in the order of its rows", async () => {
    const { train, test, shape } = await openDataset("mnist", tiny());
    expect(shape).toEqual([1, 28, 28]);
    expect([[...(train.labels as Uint8Array)], [...(test.labels as Uint8Array)]]).toEqual([
      [7, 0],
      [9],
    ]);
    const { data } = train.images([1]);
    expect(data[0]).toBe(Math.fround((784 % 256) / 255));
    expect(data[783]).toBe(Math.fround((1567 % 256) / 255));
  });

  it("of fashion has its own names", async () => {
    const { classes } = await openDataset("fashion-mnist", tiny({}, "memory/fashion-mnist"));
    expect([classes[0], classes[9]]).toEqual(["T-shirt/top", "Ankle boot"]);
  });

  const packed = gzipSync(imageFile(1));
  const bad: readonly (readonly [string, Record<string, Uint8Array>, string | RegExp])[] = [
    [
      "truncated",
      { "train-images-idx3-ubyte": imageFile(2).subarray(0, 1000) },
      "has 1000 bytes instead of 1584 ([2, 28, 28] after a header of 16), so it is truncated",
    ],
    [
      "cut within its header",
      { "train-images-idx3-ubyte": imageFile(2).subarray(0, 7) },
      "has 7 bytes instead of 16",
    ],
    [
      "truncated while packed",
      { "t10k-images-idx3-ubyte.gz": packed.subarray(0, packed.length - 9) },
      /t10k-images-idx3-ubyte.gz \(\d+ bytes\) is a truncated or damaged gzip file/,
    ],
    [
      "of labels where images belong",
      { "train-images-idx3-ubyte": idx([2], [1, 2]) },
      "it starts with 0 0 8 1 instead of 0 0 8 3",
    ],
    [
      "of images of another size",
      { "train-images-idx3-ubyte": imageFile(2, 32) },
      "holds images of 32×32 pixels instead of 28×28",
    ],
    [
      "of another number of labels",
      { "train-labels.idx1-ubyte": idx([3], [1, 2, 3]) },
      /holds 2 images, but .*train-labels.idx1-ubyte 3 labels/,
    ],
    [
      "with a label out of range",
      { "train-labels.idx1-ubyte": idx([2], [1, 10]) },
      /train-labels.idx1-ubyte, row 1: label 10 is not in 0 … 9/,
    ],
  ];
  it.each(bad)("refuses a file %s", async (_, change, message) => {
    const files = Object.entries(change).map(([name, bytes]) => [`memory/mnist/${name}`, bytes]);
    const opened = openDataset("mnist", tiny(Object.fromEntries(files)));
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toHaveProperty("name", "UsageError");
  });
});
