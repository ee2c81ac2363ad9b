import fc from "fast-check";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { int64Array, npyFile } from "../../test/fixtures/npy-fixture.ts";
import { isSlow } from "../../test/fixtures/slow.ts";
import { UsageError } from "../math/usage-error.ts";
import { checkDataset } from "./check.ts";
import { memoryData } from "./data-files.ts";
import { npyBytes } from "./npy.ts";
import { npzBytes, parseNpz } from "./npz.ts";
import { openDataset } from "./table.ts";

const open = (arrays: Readonly<Record<string, Uint8Array>>) => {
  const files = Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes]);
  return openDataset("npz:a.npz", memoryData({ "a.npz": zipSync(Object.fromEntries(files)) }));
};
const grey = npyBytes(Uint8Array.of(0, 51, 102, 255), [2, 1, 2]);

describe("npz:PATH", () => {
  it("takes x and y as both splits, and the labels as class names", async () => {
    const { train, test, classes, shape } = await open({ x: grey, y: int64Array(0n, 2n) });
    expect(test).toBe(train);
    expect([shape, classes]).toEqual([
      [1, 1, 2],
      ["0", "1", "2"],
    ]);
    expect([...train.images([1]).data]).toEqual([0.4, 1].map(Math.fround));
  });

  it("takes x_train, y_train, x_test and y_test, with names in classes", async () => {
    const classes = npyFile("<U1", "2,", [97, 0, 0, 0, 98, 0, 0, 0]);
    const half = npyBytes(Float32Array.of(0.5, 0.25), [1, 1, 2]);
    const dataset = await open({
      x_train: grey,
      y_train: int64Array(0n, 1n),
      x_test: half,
      y_test: int64Array(1n),
      classes,
    });
    expect(dataset.classes).toEqual(["a", "b"]);
    expect([dataset.train.size, dataset.test.size]).toEqual([2, 1]);
    expect([...dataset.test.images([0]).data]).toEqual([0.5, 0.25]);
    expect(dataset.mean[0]).toBeCloseTo(0.4, 12); // of the training images alone
  });

  it("is checked example by example: counts per class, statistics, and what is unusual", async () => {
    const report = checkDataset(await open({ x: grey, y: int64Array(0n, 2n) }));
    expect(report.train).toEqual({ size: 2, perClass: [1, 0, 1] });
    expect(report.mean).toEqual([expect.closeTo(0.4, 7)]);
    expect(report.notes).toEqual([
      { code: "empty-class", text: "train has no example of 1" },
      { code: "empty-class", text: "test has no example of 1" },
      {
        code: "no-split",
        text: "training and test images are the same: the data set is not split",
      },
    ]);
  });

  it.each([
    [-2.98e-8, 0],
    [1 + 6e-8, 1],
    [1.0005, 1],
  ])("clips a pixel of %d, which rounding explains, and says so", async (level, clipped) => {
    const x = npyBytes(Float64Array.of(0.5, level), [1, 1, 2]);
    const { train, notes } = await open({ x, y: int64Array(0n) });
    expect([...train.images([0]).data]).toEqual([0.5, clipped]);
    expect(notes).toEqual([
      {
        code: "clipped-pixels",
        text: expect.stringMatching(/x: 1 of 2 pixels lie outside \[0, 1\] by rounding/),
      },
    ]);
  });

  it("reads pixels of float16", async () => {
    // 0.5, 1 and the smallest subnormal, in IEEE 754 binary16.
    const x = npyFile("<f2", "1, 1, 3", [0x00, 0x38, 0x00, 0x3c, 0x01, 0x00]);
    const { train } = await open({ x, y: int64Array(0n) });
    expect([...train.images([0]).data]).toEqual([0.5, 1, 2 ** -24]);
  });

  it.each([-0.0011, 1.0011, -1e-2])(
    "refuses %d, which rounding does not explain",
    async (level) => {
      const x = npyBytes(Float64Array.of(0.5, 0.5, level, 0.5), [2, 1, 2]);
      await expect(open({ x, y: int64Array(0n, 0n) })).rejects.toThrow(
        new RegExp(`row 1: value ${level}.*element \\[1, 0, 0\\]`),
      );
    },
  );

  it("moves channels that come last to the front", async () => {
    const x = npyBytes(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), [1, 2, 2, 3]);
    const { shape, train } = await open({ x, y: int64Array(0n) });
    expect(shape).toEqual([3, 2, 2]);
    const planes = [...train.images([0]).data].map((value) => Math.round(value * 255));
    expect(planes).toEqual([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
  });

  it.each([
    [
      "pixels of 0 … 255 as floats",
      { x: npyBytes(Float32Array.of(0, 255), [2, 1, 1]), y: int64Array(0n, 0n) },
      "x, row 1: value 255, but pixels are in [0, 1]; divide by 255",
    ],
    [
      "normalised pixels",
      { x: npyBytes(Float32Array.of(-1), [1, 1, 1]), y: int64Array(0n) },
      "row 0: value -1, but pixels are in [0, 1]; undo the normalisation",
    ],
    [
      "NaN",
      { x: npyBytes(Float32Array.of(Number.NaN), [1, 1, 1]), y: int64Array(0n) },
      "row 0: value NaN",
    ],
    [
      "whole numbers as pixels",
      { x: npyFile("<i8", "1, 1, 1", Array(8).fill(0)), y: int64Array(0n) },
      "save pixels as uint8",
    ],
    [
      "images in a row",
      { x: npyBytes(Uint8Array.of(1, 2), [1, 2]), y: int64Array(0n) },
      "x has shape [1, 2]; images are",
    ],
    [
      "too few labels",
      { x: grey, y: int64Array(0n) },
      "y has shape [1] and type i8; 2 images need [2] whole numbers",
    ],
    [
      "a label below 0",
      { x: grey, y: int64Array(0n, -1n) },
      "y, row 1: label -1 is not a class index",
    ],
    ["half a label", { x: grey, y: npyBytes(Float32Array.of(0, 0.5), [2]) }, "row 1: label 0.5"],
    ["no y", { x: grey }, "a.npz has no array y, only x;"],
    ["no test images", { x_train: grey, y_train: int64Array(0n, 1n) }, "a.npz has no array x_test"],
    [
      "fewer names than labels",
      { x: grey, y: int64Array(0n, 1n), classes: npyFile("<U1", "1,", [97, 0, 0, 0]) },
      "names 1 classes, but has label 1",
    ],
  ] as const)("refuses %s", async (_, arrays, message) => {
    await expect(open(arrays)).rejects.toThrow(message);
  });

  it("refuses a file that is not a zip file, and a missing file", async () => {
    const from = memoryData({ "a.npz": Uint8Array.of(1, 2, 3) });
    await expect(openDataset("npz:a.npz", from)).rejects.toThrow("a.npz (3 bytes) is not an .npz");
    await expect(openDataset("npz:b.npz", from)).rejects.toMatchObject({ code: "not-found" });
  });

  it("is written as it is read", () => {
    const data = Float32Array.of(1, 2);
    const arrays = parseNpz("a", npzBytes({ gradient: { data, shape: [2] } }));
    expect(arrays.get("gradient")).toEqual({ type: "f4", shape: [2], data });
  });
});

describe("a hostile .npz file", () => {
  /** Where the entries of a .zip file's directory begin. */
  const entriesOf = (bytes: Uint8Array) =>
    Array.from(bytes.keys()).filter(
      (at) => String.fromCharCode(...bytes.subarray(at, at + 4)) === "PK\x01\x02",
    );

  it("that states to unpack to far more than it is, is refused before it is unpacked", () => {
    const bytes = zipSync({ "x.npy": grey });
    new DataView(bytes.buffer).setUint32(entriesOf(bytes)[0] + 24, 2 ** 28 + 1, true);
    expect(() => parseNpz("a", bytes)).toThrow(
      "unpacks to 268435457 bytes or more, where 268435456",
    );
  });

  it("whose entries share their bytes, or their name, is refused", () => {
    const bytes = zipSync({ "x.npy": grey, "y.npy": grey }, { level: 0 });
    const entries = entriesOf(bytes);
    const twice = bytes.slice();
    twice[entries[1] + 46] = "x".charCodeAt(0);
    expect(() => parseNpz("a", twice)).toThrow('holds two arrays "x.npy"');
    const overlapping = bytes.slice();
    for (const at of entries) new DataView(overlapping.buffer).setUint32(at + 20, 300, true);
    expect(() => parseNpz("a", overlapping)).toThrow("states that its arrays take 600 bytes of it");
  });

  it("with images that have no pixels is refused", async () => {
    const x = npyBytes(new Uint8Array(), [2, 0, 0]);
    await expect(open({ x, y: int64Array(0n, 0n) })).rejects.toThrow("its images have no pixels");
  });

  it("damaged in a byte or cut off, is read or refused with a message", async () => {
    const whole = zipSync({ "x.npy": grey, "y.npy": int64Array(0n, 1n) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 3 }),
        fc.integer({ min: 1, max: whole.length }),
        fc.boolean(),
        async (changes, end, cut) => {
          const bytes = whole.slice(0, cut ? end : whole.length);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          const opened = openDataset("npz:a.npz", memoryData({ "a.npz": bytes }));
          const error = await opened.then(
            () => undefined,
            (cause) => cause,
          );
          if (error !== undefined) expect(error).toBeInstanceOf(UsageError);
        },
      ),
      { numRuns: isSlow ? 2000 : 300, seed: 9 },
    );
  });
});

it("text and whole numbers are written as NumPy keeps them", () => {
  const texts = ["a", "žluťoučký 🐎", ""];
  const bytes = npzBytes({
    file: { data: texts, shape: [3] },
    y: { data: Int32Array.of(-1, 7), shape: [2] },
  });
  const arrays = parseNpz("own.npz", bytes);
  expect(arrays.get("file")).toMatchObject({ type: "U11", shape: [3], data: texts });
  expect(Array.from(arrays.get("y")?.data ?? [], Number)).toEqual([-1, 7]);
});
