import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { goldenImage, sha256Of } from "../../test/fixtures/golden-image.ts";
import { isSlow } from "../../test/fixtures/slow.ts";
import golden from "../../test/golden/resize.json" with { type: "json" };
import { centreCrop, type FilterName, filterNames, resize, resizeShorter } from "./resize.ts";

const filterOf = (name: string) => name as FilterName;

describe("resize", () => {
  it.each(golden.resized)("is Pillow's $filter, $from to $to", ({ filter, from, to, pixels }) => {
    const [height, width] = to;
    const resized = resize(goldenImage(from), { height, width, filter: filterOf(filter) });
    expect(resized.shape).toEqual([3, height, width]);
    expect([...resized.pixels]).toEqual([...Buffer.from(pixels, "base64")]);
  });

  it.each(golden.large)(
    "is Pillow's $filter, $from to $to",
    ({ filter, from, to, sha256: sum }) => {
      const [height, width] = to;
      expect(sha256Of(resize(goldenImage(from), { height, width, filter: filterOf(filter) }))).toBe(
        sum,
      );
    },
  );

  it("keeps a plain image plain, and any image at its own size", () => {
    const size = fc.integer({ min: 1, max: 40 });
    const property = fc.property(
      fc.tuple(size, size, size, size, fc.nat(255), fc.constantFrom(...filterNames)),
      ([rows, columns, height, width, level, filter]) => {
        const plain = {
          shape: [3, rows, columns],
          pixels: new Uint8Array(3 * rows * columns).fill(level),
        };
        expect(new Set(resize(plain, { height, width, filter }).pixels)).toEqual(new Set([level]));
        const any = goldenImage([rows, columns]);
        expect(resize(any, { height: rows, width: columns, filter })).toEqual(any);
      },
    );
    fc.assert(property, { numRuns: isSlow ? 100 : 30 });
  });

  it.each([0, -3, 2.5, Number.NaN])("refuses a side of %d pixels", (height) => {
    const to = { height, width: 4, filter: "bilinear" } as const;
    expect(() => resize(goldenImage([2, 2]), to)).toThrow(
      expect.objectContaining({ code: "bad-option" }),
    );
    expect(() => resizeShorter(goldenImage([2, 2]), height, "bilinear")).toThrow(
      expect.objectContaining({ code: "bad-option" }),
    );
  });
});

describe("resizeShorter", () => {
  it.each(golden.shorter)("is torchvision's Resize($size) of $from, $filter", (row) => {
    const resized = resizeShorter(goldenImage(row.from), row.size, filterOf(row.filter));
    expect(resized.shape).toEqual([3, ...row.to]);
    expect(sha256Of(resized)).toBe(row.sha256);
  });

  it("never makes a side vanish", () => {
    expect(resizeShorter(goldenImage([1, 90]), 2, "bilinear").shape).toEqual([3, 2, 180]);
  });
});

describe("centreCrop", () => {
  it.each(golden.cropped)(
    "is torchvision's CenterCrop($to) of $from",
    ({ from, to, sha256: sum }) => {
      const [height, width] = to;
      const cropped = centreCrop(goldenImage(from), { height, width });
      expect(cropped.shape).toEqual([3, height, width]);
      expect(sha256Of(cropped)).toBe(sum);
    },
  );

  it("refuses what is larger than the image", () => {
    expect(() => centreCrop(goldenImage([10, 8]), { height: 10, width: 9 })).toThrow(
      /an image of 8×10 pixels cannot be cropped to 9×10/,
    );
  });
});
