import { describe, expect, it } from "vitest";
import { defaultBreakEven, winogradCostsLess } from "./cost.ts";

const square = (channels: number, length = 8) => ({
  into: channels,
  out: channels,
  height: length,
  width: length,
});

describe("the cost model", () => {
  it.each([16, 96, 128, 1000])("breaks even at %d input and output channels", (breakEven) => {
    expect(winogradCostsLess(breakEven, square(breakEven))).toBe(true);
    expect(winogradCostsLess(breakEven, square(breakEven - 1))).toBe(false);
    expect(winogradCostsLess(breakEven, square(breakEven + 1, 32))).toBe(true);
  });

  it("depends on the harmonic mean of input and output channels", () => {
    const between = (into: number, out: number) =>
      winogradCostsLess(128, { into, out, height: 8, width: 8 });
    // 10 · in · out ≥ 5 · 128 · (in + out) ⇔ 2 / (1/in + 1/out) ≥ 128.
    expect([between(96, 192), between(95, 192), between(64, 4096)]).toEqual([true, false, false]);
    expect([between(192, 96), between(192, 95), between(65, 4160)]).toEqual([true, false, true]);
  });

  it("counts the surplus row and column of an odd image", () => {
    const { images } = defaultBreakEven;
    expect(winogradCostsLess(images, square(images, 33))).toBe(false);
    expect(winogradCostsLess(images, square(1.2 * images, 33))).toBe(true);
    expect(winogradCostsLess(images, square(1.2 * images, 7))).toBe(false);
    // 8 × 8 pixels are computed for 7 × 7: 64/49 · (8 c² + 1280 c) = 18 c² at c = 221.6.
    expect(winogradCostsLess(images, square(221, 7))).toBe(false);
    expect(winogradCostsLess(images, square(222, 7))).toBe(true);
  });
});
