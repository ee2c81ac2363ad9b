import { describe, expect, it } from "vitest";
import type { Image } from "./data-files.ts";
import { greyed } from "./grey.ts";
import { centreCrop, resize, resizeShorter } from "./resize.ts";
import { sizer } from "./sizing.ts";
import { splitOf } from "./splits.ts";

const image: Image = {
  shape: [3, 20, 30],
  pixels: Uint8Array.from({ length: 1800 }, (_, i) => (i * 37 + (i >> 5) * 11) % 256),
};

describe("images of a folder", () => {
  it("are brought to a shorter side by the filter that is asked for, then cropped", () => {
    for (const interpolation of ["bilinear", "bicubic"] as const)
      expect(sizer({ resize: [12], crop: [8], interpolation })?.(image)).toEqual(
        centreCrop(resizeShorter(image, 12, interpolation), { height: 8, width: 8 }),
      );
  });

  it("are brought to a height and a width", () => {
    expect(sizer({ resize: [8, 9], crop: [6, 7] })?.(image)).toEqual(
      centreCrop(resize(image, { height: 8, width: 9, filter: "bilinear" }), {
        height: 6,
        width: 7,
      }),
    );
  });

  it("stay as they are where nothing is asked for, and a filter alone is refused", () => {
    expect(sizer({})).toBeUndefined();
    expect(() => sizer({ interpolation: "bicubic" })).toThrow("resizes nothing without --resize");
  });
});

describe("images in grey", () => {
  // Pillow 9.4: Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0))
  it.each([
    [[255, 0, 0], 76],
    [[0, 255, 0], 150],
    [[0, 0, 255], 29],
    [[12, 200, 99], 132],
    [[77, 77, 77], 77],
  ])("are Pillow's: %j is %d", (colour, grey) => {
    const split = splitOf({ pixels: Uint8Array.from(colour), labels: Int32Array.of(0) }, [3, 1, 1]);
    const of = { name: "", shape: [3, 1, 1], classes: ["a"], mean: [0], std: [1] };
    const { test, shape } = greyed({ ...of, train: split, test: split });
    expect(shape).toEqual([1, 1, 1]);
    expect(Math.round(255 * test.images([0]).data[0])).toBe(grey);
  });
});
