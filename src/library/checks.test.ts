import { expect, it } from "vitest";
import { openOptions } from "./checks.ts";

it("the option pictures of openModel is the old name of images", () => {
  expect(openOptions({ pictures: [3, 32, 32] })).toEqual({ images: [3, 32, 32] });
  expect(openOptions({ images: [1, 8, 8], pictures: [3, 32, 32] })).toEqual({ images: [1, 8, 8] });
});
