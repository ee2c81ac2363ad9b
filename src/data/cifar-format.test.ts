import { describe, expect, it } from "vitest";
import { parseCifar } from "./cifar-format.ts";
import { cifar10Format as cifar10 } from "./cifar10.ts";
import { cifar100Format as cifar100 } from "./cifar100.ts";
import { memoryData } from "./data-files.ts";
import { splitOf } from "./splits.ts";
import { openDataset } from "./table.ts";

/** Rows of a CIFAR file whose pixels are all the row's number. */
const rows = (labels: readonly (readonly number[])[]) =>
  Uint8Array.from(labels.flatMap((label, i) => [...label, ...Array(3072).fill(i)]));
const path = "data/batch.bin";

describe("a CIFAR file", () => {
  it("has the label before the pixels, and CIFAR-100 the coarse label before the fine one", () => {
    const ten = parseCifar({ path, bytes: rows([[9], [0]]) }, cifar10, 2);
    expect([...ten.labels]).toEqual([9, 0]);
    expect([ten.pixels[0], ten.pixels[3071], ten.pixels[3072]]).toEqual([0, 0, 1]);
    const hundred = parseCifar({ path, bytes: rows([[19, 99]]) }, cifar100, 1);
    expect([...hundred.labels]).toEqual([99]);
    expect(hundred.pixels.length).toBe(3072);
  });

  it("has red, green and blue planes, row by row", () => {
    const bytes = Uint8Array.from({ length: 3073 }, (_, i) => (i === 0 ? 4 : (i - 1) >> 5));
    const { data } = splitOf(parseCifar({ path, bytes }, cifar10, 1), [3, 32, 32]).images([0]);
    const at = (channel: number, y: number, x: number) => data[channel * 1024 + y * 32 + x] * 255;
    expect([at(0, 0, 31), at(0, 1, 0), at(1, 0, 0), at(2, 31, 31)].map(Math.round)).toEqual([
      0, 1, 32, 95,
    ]);
  });

  it("that is truncated says how many bytes it should have, even if it ends between rows", () => {
    expect(() => parseCifar({ path, bytes: rows([[1]]) }, cifar10, 2)).toThrow(
      "data/batch.bin has 3073 bytes instead of 6146 (2 rows of 3073), so it is truncated",
    );
  });

  it("an error about a label that is not a class names file, row and value", () => {
    expect(() => parseCifar({ path, bytes: rows([[3], [10]]) }, cifar10, 2)).toThrow(
      "data/batch.bin, row 1: label 10 is not in 0 … 9",
    );
  });
});

it("the classes of CIFAR-100 are a hundred different names in alphabetical order, which is the official one", () => {
  expect(new Set(cifar100.classes).size).toBe(100);
  expect(cifar100.classes).toEqual([...cifar100.classes].sort());
});

it("a missing data set says where it was looked for and what to do", async () => {
  const from = { ...memoryData({}), roots: ["/a", "/b"] };
  await expect(openDataset("cifar10", from)).rejects.toThrow(
    /looked in \/a\/cifar10, \/a\/cifar-10-batches-bin, \/b\/cifar10, .*rampart data fetch cifar10.*--data-dir or RAMPART_DATA/s,
  );
});

it("a missing file of a data set is named", async () => {
  const from = memoryData({ "memory/cifar-10-batches-bin/test_batch.bin": rows([]) });
  await expect(openDataset("cifar10", from)).rejects.toThrow(
    "memory/cifar-10-batches-bin/data_batch_1.bin is missing",
  );
});
