import { describe, expect, it } from "vitest";
import { tensor } from "../math/tensor.ts";
import type { Dataset, Split } from "./dataset.ts";
import { coloured, resizedDataset } from "./resized.ts";
import { sizer } from "./sizing.ts";

/** Two grey images of 2 × 4 pixels with levels of 8 bits. */
const levels = [
  [0, 255, 51, 102, 10, 20, 30, 40],
  [7, 7, 9, 9, 7, 7, 9, 9],
];
const split: Split = {
  size: 2,
  labels: [0, 1],
  files: ["a/0.png", "b/1.png"],
  images: (indices) =>
    tensor(
      [indices.length, 1, 2, 4],
      indices.flatMap((i) => levels[i].map((level) => level / 255)),
    ),
};
const dataset: Dataset = {
  name: "npz:a.npz",
  shape: [1, 2, 4],
  classes: ["a", "b"],
  mean: [0.5],
  std: [0.25],
  train: split,
  test: split,
};
const bytes = (of: Split, indices: readonly number[]) =>
  Array.from(of.images(indices).data, (value) => Math.fround(255 * value)).map(Math.round);

describe("a resized data set", () => {
  const prepare = sizer({ crop: [2, 2] });
  if (prepare === undefined) throw new Error("no sizer");
  const small = resizedDataset(dataset, prepare);

  it("has the middle of each image, in the order that is asked for", () => {
    expect(small.shape).toEqual([1, 2, 2]);
    expect(small.test.images([1, 0]).shape).toEqual([2, 1, 2, 2]);
    expect(bytes(small.test, [1, 0])).toEqual([7, 9, 7, 9, 255, 51, 20, 30]);
  });

  it("keeps labels, files, and that it trains and tests on the same examples", () => {
    expect([small.test.labels, small.test.files]).toEqual([split.labels, split.files]);
    expect(small.train).toBe(small.test);
    const two = resizedDataset({ ...dataset, test: { ...split, size: 1 } }, prepare);
    expect([two.train === two.test, two.test.size]).toEqual([false, 1]);
  });

  it("is resized in 8 bits, as Pillow does: BOX halves 2 × 4 to rounded means", () => {
    const half = sizer({ resize: [1, 2], interpolation: "box" });
    if (half === undefined) throw new Error("no sizer");
    // Columns first, each step rounded: (128 + 15) / 2 and (77 + 35) / 2.
    expect(bytes(resizedDataset(dataset, half).test, [0, 1])).toEqual([72, 56, 7, 9]);
  });
});

describe("a grey data set in colour", () => {
  it("has three equal channels, and the statistics of each", () => {
    const three = coloured(dataset);
    expect([three.shape, three.mean, three.std]).toEqual([
      [3, 2, 4],
      [0.5, 0.5, 0.5],
      [0.25, 0.25, 0.25],
    ]);
    const of = (i: number) => [...levels[i], ...levels[i], ...levels[i]];
    expect(bytes(three.test, [1, 0])).toEqual([...of(1), ...of(0)]);
    expect(three.train).toBe(three.test);
  });
});
