import { afterEach, describe, expect, it } from "vitest";
import { tensor } from "../math/tensor.ts";
import { memoryData } from "./data-files.ts";
import type { DatasetContents } from "./dataset-contents.ts";
import { type DatasetSpecification, defineDataset } from "./define-dataset.ts";
import { sourceOf } from "./sources.ts";
import { dataForms, datasetOf, datasets, openDataset } from "./table.ts";

/** Two images of one pixel, as somebody else would define them. */
const contents: DatasetContents = {
  shape: [1, 1, 1],
  classes: ["dark", "light"],
  train: { pixels: Uint8Array.of(0, 255), labels: Uint8Array.of(0, 1) },
  test: { pixels: Float32Array.of(0.25), labels: Int32Array.of(0) },
};
const specification: DatasetSpecification = {
  name: "dots",
  text: "single pixels",
  source: "this test",
  augment: "none",
  open: () => contents,
};
const dots = defineDataset(specification);
const from = memoryData({});
afterEach(() => {
  datasets.remove("dots");
  datasets.remove("rows");
});

it("an added data set is opened by its name, with the statistics of its training images", async () => {
  await expect(openDataset("dots", from)).rejects.toMatchObject({ code: "unknown-name" });
  datasets.add(dots);
  const { name, mean, std, train, test } = await openDataset("dots", from);
  expect([name, mean, std]).toEqual(["dots", [0.5], [0.5]]);
  expect([...train.images([1, 0]).data]).toEqual([1, 0]);
  expect([...test.images([0]).data]).toEqual([0.25]);
  expect(datasetOf("dots").augment).toBe("none");
  expect(dataForms()).toContain("dots");
  expect(() => sourceOf("dots")).toThrow("dots is computed, there is nothing to fetch");
});

it("a data set with a path has the path in its name, and reads the place that it is given", async () => {
  const rows = defineDataset({
    name: "rows",
    text: "bytes of a file",
    source: "this test",
    path: "file",
    labels: "outputs",
    async open(place, path) {
      const pixels = (await place.read(path)) ?? new Uint8Array();
      const part = { pixels, labels: new Uint8Array(pixels.length) };
      return { shape: [1, 1, 1], classes: ["any"], train: part, test: part };
    },
  });
  datasets.add(rows);
  const files = memoryData({ "a:b": Uint8Array.of(51) });
  const { name, train, test } = await openDataset("rows:a:b", files);
  expect([name, train.size, train === test]).toEqual(["rows:a:b", 1, true]);
  expect(train.images([0]).data[0]).toBeCloseTo(0.2);
  expect(() => datasetOf("rows")).toThrow("rows names no file; write rows:PATH");
  expect(() => datasetOf("row:x")).toThrow("did you mean rows:x?");
});

it("a definition opens without being added", async () => {
  expect((await dots(from)).classes).toEqual(["dark", "light"]);
});

describe("bad-plugin:", () => {
  const part = { size: 1, labels: [0], images: () => tensor([1, 1, 1, 1]) };
  const statistics = { mean: [0], std: [1] };

  it.each([
    ["a shape of two", { shape: [1, 1] }, "returned shape [1,1] from open"],
    ["no classes", { classes: [] }, "returned no classes"],
    ["no test", { test: undefined }, "returned no test from open"],
    [
      "two means for one channel",
      { mean: [0, 0], std: [1] },
      "mean without one number per channel",
    ],
    ["a split without statistics", { train: part }, "returned no mean and std"],
    [
      "too few pixels",
      { test: { pixels: new Uint8Array(3), labels: new Uint8Array(2) } },
      "returned 3 pixels in test, and 2 labels of images [1, 1, 1] need 2",
    ],
    [
      "floats above 1",
      { train: { pixels: Float32Array.of(255), labels: Uint8Array.of(0) } },
      "returned pixel 255 in train",
    ],
    [
      "a label that is not a class",
      { test: { pixels: Uint8Array.of(0), labels: Uint8Array.of(2) } },
      "returned label 2 in test, and its 2 classes have labels 0 to 1",
    ],
    ["a split without images", { train: { size: 1, labels: [0] } }, "images(indices)"],
    ["labels as a plain list", { train: { pixels: [0], labels: [0] } }, "without pixels"],
  ])("contents with %s", async (_, change, message) => {
    const wrong = defineDataset({
      name: "dots",
      text: "",
      source: "",
      open: () => Object.assign({}, contents, change) as DatasetContents,
    });
    await expect(wrong(from)).rejects.toMatchObject({
      code: "bad-plugin",
      message: expect.stringContaining(message),
    });
  });

  it.each([
    ["throw", () => expect.fail("no disk"), "threw in images: no disk"],
    ["have another shape", () => tensor([1, 1]), "returned float32 [1, 1] from images"],
    ["are beyond [0, 1]", () => tensor([1, 1, 1, 1], [2]), "returned pixel 2 from images"],
  ])("images that %s", async (_, images, message) => {
    const wrong = defineDataset(
      Object.assign({}, specification, {
        open: () =>
          Object.assign({}, contents, statistics, { train: Object.assign({}, part, { images }) }),
      }),
    );
    const { train } = await wrong(from);
    expect(() => train.images([0])).toThrow(
      expect.objectContaining({ code: "bad-plugin", message: expect.stringContaining(message) }),
    );
  });

  it("a function that throws, a name with a colon, and an unknown augmentation", async () => {
    const given = (change: object) => defineDataset(Object.assign({}, specification, change));
    const throws = () => expect.fail("no file");
    await expect(given({ open: throws })(from)).rejects.toThrow(
      "dataset dots threw in open: no file",
    );
    for (const change of [{ name: "a:b" }, { augment: "mirror" }, { path: "url" }, { open: 1 }])
      expect(() => given(change)).toThrow(expect.objectContaining({ code: "bad-plugin" }));
  });
});
