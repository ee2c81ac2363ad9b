import { describe, expect, it } from "vitest";
import { table1, theoryRow } from "./table1.ts";

describe("Theorem 1 side by side", () => {
  // Each number to as many digits as are known of it; NaN where a bound says nothing.
  it.each([
    [2, -0.009, Number.NaN, Number.NaN, "-0.0412192"],
    [3, null, Number.NaN, Number.NaN, "-0.0749027"],
    [10, null, "-0.000023", "-0.000065", "-0.295200"],
    [100, null, "-0.631", "-1.915", "-2.80273"],
    [784, -144, "-6.38", "-19.59", "-20.9468"],
    [3072, -578, "-25.85", "-79.55", "-81.2022"],
    [150528, -28946, "-1284.4", "-3954.9", "-3957.446"],
  ])("has the known numbers of d = %d", (d, printed, hoeffding, chernoff, ratio) => {
    const row = theoryRow(d);
    expect(row.printed).toBe(printed);
    for (const [value, known] of [
      [row.hoeffding, hoeffding],
      [row.chernoff, chernoff],
      [row.ratio, ratio],
    ] as const)
      if (typeof known === "string") {
        const decimals = known.split(".")[1].length;
        expect(value).not.toBeNull();
        expect(value?.toFixed(decimals)).toBe(Number(known).toFixed(decimals));
      } else expect(value).toBeNull();
  });

  it("prints again what the paper prints, from the formula with r₂ for r₂²", () => {
    const [, ...rows] = table1();
    for (const { asPrinted, printed } of rows)
      expect(Math.round(asPrinted ?? Number.NaN)).toBe(printed);
    expect(table1()[0].asPrinted).toBeCloseTo(-0.009, 3);
    expect(theoryRow(784).asPrinted).toBeCloseTo(-143.5, 1);
    expect(theoryRow(3072).asPrinted).toBeCloseTo(-577.5, 1);
  });

  it("has ε₂ = 0.83 as the ball of the volume of the cube of half-side 0.031 in 3072 dimensions", () => {
    expect(theoryRow(3072).radius * 0.031).toBeCloseTo(0.8327, 4);
  });

  it("rises from the ratio to each bound, and the formula as printed is none", () => {
    for (const d of [10, 100, 784, 3072, 150528]) {
      const { ratio, chernoff, hoeffding, asPrinted } = theoryRow(d);
      expect(ratio).toBeLessThan(chernoff ?? Number.NaN);
      expect(chernoff).toBeLessThan(hoeffding ?? Number.NaN);
      expect(asPrinted).toBeLessThan(ratio);
    }
  });

  it.each([
    [2, "inf"],
    [1, "inf"],
    [1, 2],
    [2, 4],
  ] as const)("has ratio / d tend to the slope for p = %s, q = %s", (p, q) => {
    const d = 1e7;
    const { ratio, chernoff, slopeTrue } = theoryRow(d, p, q);
    // The ratio is Chernoff's bound but for a power of d, and ln r has terms of order ln d / d.
    expect(Math.abs(ratio / d - slopeTrue)).toBeLessThan((2 * Math.log10(d)) / d);
    expect(Math.abs((chernoff ?? 0) - ratio)).toBeLessThan(2 * Math.log10(d));
  });

  it("has Eq. 11's slope for the paper's pair only", () => {
    expect(theoryRow(5).slopePrinted).toBeCloseTo(-((0.234199 - 2 / 3) ** 2) / Math.LN10, 6);
    expect(theoryRow(5, 1)).toMatchObject({ slopePrinted: null, asPrinted: null, printed: null });
  });

  it("does not depend on which ball comes first, but for the radius", () => {
    for (const [p, q] of [
      [2, "inf"],
      [1, 2],
    ] as const) {
      const [row, turned] = [theoryRow(40, p, q), theoryRow(40, q, p)];
      expect(turned.ratio).toBe(row.ratio);
      expect(turned.chernoff).toBe(row.chernoff);
      expect(turned.radius * row.radius).toBeCloseTo(1, 13);
    }
  });

  it("has ratio 1 for equal norms and in one dimension", () => {
    for (const row of [
      theoryRow(7, 2, 2),
      theoryRow(7, "inf", "inf"),
      theoryRow(1),
      theoryRow(1, 1, 2),
    ])
      expect(row).toMatchObject({ ratio: 0, radius: 1, chernoff: null, hoeffding: null });
  });

  it("writes ∞ as inf, which JSON keeps", () => {
    const row = theoryRow(3, Number.POSITIVE_INFINITY, 2);
    expect(JSON.parse(JSON.stringify(row))).toEqual(theoryRow(3, "inf", 2));
    expect(row).toMatchObject({ p: "inf", q: 2 });
  });

  it("refuses an invalid dimension or norm", () => {
    expect(() => theoryRow(0)).toThrow("dimension is 0");
    expect(() => theoryRow(2.5)).toThrow("dimension is 2.5");
    expect(() => theoryRow(2, 0.5)).toThrow("order of a norm is 0.5");
    expect(() => theoryRow(2, Number.NaN)).toThrow("order of a norm is NaN");
  });
});
