import { expect, it } from "vitest";
import { ImageOptions, imageOptionsIn, preparedBy, statedImageOptions } from "./image-options.ts";

it("only what differs from the defaults is recorded", () => {
  expect(statedImageOptions(ImageOptions.parse({}))).toEqual({});
  const given = imageOptionsIn({ crop: [4], imageAlpha: "white", imageExif: "ignore", batch: 3 });
  expect(statedImageOptions(given)).toEqual({ crop: [4], imageAlpha: "white" });
});

it("a size makes a preparation, rules alone make none", () => {
  const { rules, prepare } = preparedBy(ImageOptions.parse({ imageGrey16: "scale" }));
  expect([rules?.imageGrey16, prepare]).toEqual(["scale", undefined]);
  const cropped = preparedBy(ImageOptions.parse({ crop: [1, 2] })).prepare?.({
    shape: [1, 3, 2],
    pixels: Uint8Array.of(1, 2, 3, 4, 5, 6),
  });
  expect(cropped).toEqual({ shape: [1, 1, 2], pixels: Uint8Array.of(3, 4) });
});
