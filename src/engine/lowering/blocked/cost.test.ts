import { describe, expect, it } from "vitest";
import { costsLess, defaultBreakEven } from "./cost.ts";

const square = (channels: number, length = 8) => ({
  into: channels,
  out: channels,
  height: length,
  width: length,
});

describe("the cost model", () => {
  it.each([16, 96, 128, 1000])("breaks even at %d channels, as many in as out", (breakEven) => {
    expect(costsLess(breakEven, square(breakEven))).toBe(true);
    expect(costsLess(breakEven, square(breakEven - 1))).toBe(false);
    expect(costsLess(breakEven, square(breakEven + 1, 32))).toBe(true);
  });

  it("counts x and y alike, and their product", () => {
    const between = (into: number, out: number) =>
      costsLess(128, { into, out, height: 8, width: 8 });
    // 10 · in · out against 5 · 128 · (in + out): the harmonic mean of in and out decides.
    expect([between(96, 192), between(95, 192), between(64, 4096)]).toEqual([true, false, false]);
    expect([between(192, 96), between(192, 95), between(65, 4160)]).toEqual([true, false, true]);
  });

  it("counts the row and the column that are computed in vain of an odd image", () => {
    const { images } = defaultBreakEven;
    expect(costsLess(images, square(images, 33))).toBe(false);
    expect(costsLess(images, square(1.2 * images, 33))).toBe(true);
    expect(costsLess(images, square(1.2 * images, 7))).toBe(false);
    // 8 × 8 tiles' pixels for 7 × 7: 64/49 · (8 c² + 1280 c) = 18 c² at c = 221.6.
    expect(costsLess(images, square(221, 7))).toBe(false);
    expect(costsLess(images, square(222, 7))).toBe(true);
  });
});
