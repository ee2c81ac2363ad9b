import { encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { imageTensor as imageTensorNode } from "../node.ts";
import { imageDataset } from "./image-dataset.ts";
import { imageOfPixels, imageTensor } from "./image-tensor.ts";
import { resizedDataset } from "./resized.ts";
import { sizer } from "./sizing.ts";

const width = 13;
const height = 9;
/** Pixels as ImageData has them; opaque unless `alpha`. */
const pixels = (alpha = 255) => ({
  width,
  height,
  data: Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) =>
    i % 4 === 3 ? alpha : (i * 37) % 256,
  ),
});
const canvas = (data = pixels()) => ({
  width,
  height,
  getContext: () => ({ getImageData: () => data }),
});
const png = (data = pixels()) => encode({ ...data, data: new Uint8Array(data.data), channels: 4 });

describe("an image of a page", () => {
  it("keeps the levels of ImageData exactly, in planes of red, green and blue", async () => {
    const { shape, data } = await imageTensor(pixels());
    expect(shape).toEqual([1, 3, height, width]);
    const at = (c: number, i: number) => Math.fround((((4 * i + c) * 37) % 256) / 255);
    for (const [c, i] of [
      [0, 0],
      [1, 0],
      [2, 5],
      [0, 116],
      [2, 116],
    ])
      expect(data[c * width * height + i]).toBe(at(c, i));
  });

  it("is sized as by --resize and --crop", async () => {
    const sizing = { resize: [6], crop: [5, 4], interpolation: "bicubic" as const };
    const x = await imageTensor(canvas(), sizing);
    const whole = imageDataset({
      images: await imageTensor(pixels()),
      labels: [0],
      classes: ["a"],
    });
    const prepare = sizer(sizing);
    if (prepare === undefined) throw new Error("nothing to prepare");
    const expected = resizedDataset(whole, prepare).test.images([0]);
    expect(x.shape).toEqual([1, 3, 5, 4]);
    expect([...x.data]).toEqual([...expected.data]);
  });

  it("is the same from ImageData, a canvas, a PNG file and a Blob of it", async () => {
    const file = png();
    const blob = new Blob([file as Uint8Array<ArrayBuffer>]);
    const expected = (await imageTensor(pixels())).data;
    for (const source of [canvas(), file, blob, file.slice().buffer as ArrayBuffer])
      expect((await imageTensorNode(source)).data).toEqual(expected);
  });

  it("is blended with the background that imageAlpha names", async () => {
    const half = pixels(128);
    const [drop, black, white] = [
      imageOfPixels(half).pixels,
      imageOfPixels(half, "black").pixels,
      imageOfPixels(half, "white").pixels,
    ];
    expect(drop[1]).toBe(148);
    expect(black[1]).toBe(Math.round((148 * 128) / 255));
    expect(white[1]).toBe(Math.round((148 * 128 + 255 * 127) / 255));
    const { data } = await imageTensorNode(png(half), { imageAlpha: "white" });
    expect(data).toEqual((await imageTensor(half, { imageAlpha: "white" })).data);
  });

  it("becomes grey by Pillow's weights", async () => {
    const red = { width: 1, height: 1, data: [255, 0, 0, 255] };
    const { shape, data } = await imageTensor([red, red], { channels: 1 });
    expect(shape).toEqual([2, 1, 1, 1]);
    expect(Math.round(255 * data[1])).toBe(76);
  });
});

describe("an image that cannot be read is a UsageError:", () => {
  it.each([
    ["a file that is not an image", Uint8Array.of(1, 2, 3), "bad-file"],
    ["no image", [], "missing-option"],
    ["images of two sizes", [pixels(), { width: 1, height: 1, data: [0, 0, 0, 255] }], "misfit"],
    ["pixels that do not fit the size", { width: 2, height: 1, data: [0] }, "misfit"],
    ["a number", 7, "bad-option"],
    ["a canvas of WebGL", { width: 1, height: 1, getContext: () => null }, "misfit"],
  ])("%s", async (_, source, code) => {
    await expect(imageTensorNode(source as Uint8Array)).rejects.toMatchObject({ code });
  });

  it("a file outside a page, where rampart/node has a decoder", async () => {
    await expect(imageTensor(png())).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("a data set of images in memory", () => {
  const images = {
    shape: [2, 1, 1, 2],
    dtype: "float32" as const,
    data: Float32Array.of(0, 0.5, 1, 0.25),
  };
  it.each([
    ["a label that is not a class", { images, labels: [0, 2], classes: ["a", "b"] }],
    ["another number of labels", { images, labels: [0], classes: ["a", "b"] }],
    [
      "bytes instead of pixels",
      {
        images: { ...images, data: Float32Array.of(0, 255, 1, 0) },
        labels: [0, 1],
        classes: ["a", "b"],
      },
    ],
    [
      "images without an axis of channels",
      { images: { ...images, shape: [2, 2] }, labels: [0, 1], classes: ["a", "b"] },
    ],
  ])("refuses %s", (_, given) => {
    expect(() => imageDataset(given)).toThrow(expect.objectContaining({ code: "misfit" }));
  });

  it("has its images and labels", () => {
    const { test, mean } = imageDataset({ images, labels: [1, 0], classes: ["a", "b"] });
    expect([...test.images([1]).data]).toEqual([1, 0.25]);
    expect([test.labels[0], mean[0]]).toEqual([1, 0.4375]);
  });
});
