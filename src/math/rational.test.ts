import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compare, productOf, quotientOf, rationalOf, sumOf, toDouble } from "./rational.ts";

describe("an exact number", () => {
  it("rounds to the double that JavaScript reads from its decimal text", () => {
    const decimal = fc
      .tuple(
        fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }),
        fc.integer({ min: -330, max: 285 }),
      )
      .map(([digits, exponent]) => `${digits}e${exponent}`);
    fc.assert(
      fc.property(decimal, (text) => {
        const [value, read] = [toDouble(rationalOf(text)), Number(text) + 0];
        // Among denormal numbers the last bit may differ.
        if (Math.abs(read) < 1e-300) expect(Math.abs(value - read)).toBeLessThanOrEqual(5e-324);
        else expect(value).toBe(read);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["+.5", 0.5],
    ["-0.25E+1", -2.5],
    ["7.", 7],
    ["000", 0],
    ["-0e-400", 0],
    ["1e-400", 0],
    ["9e-324", 1e-323],
    ["1.7976931348623157e308", Number.MAX_VALUE],
    ["1e309", Number.POSITIVE_INFINITY],
    // Half a unit in the last place above 1, and a little more: to even, and up.
    ["1.00000000000000011102230246251565404236316680908203125", 1],
    ["1.00000000000000011102230246251565404236316680908203126", 1 + 2 ** -52],
  ])("%s is %s", (text, value) => {
    expect(toDouble(rationalOf(text))).toBe(value);
  });

  it("adds, multiplies and divides without rounding", () => {
    const [a, b, c] = ["0.1", "0.2", "0.3"].map(rationalOf);
    expect(compare(sumOf(a, b), c)).toBe(0);
    expect(compare(productOf(a, c), rationalOf("0.03"))).toBe(0);
    const third = quotientOf(a, c);
    expect(compare(sumOf(sumOf(third, third), third), rationalOf("1"))).toBe(0);
    expect(compare(quotientOf(a, rationalOf("-0.3")), third)).toBe(-1);
    expect(compare(rationalOf("1e-400"), rationalOf("0"))).toBe(1);
    expect(toDouble(third)).toBe(1 / 3);
  });
});
