import { describe, expect, it } from "vitest";
import { normalQuantile } from "../math/special.ts";
import { lowerBound, signTest, smallestCount } from "./binomial.ts";
import { expLinf } from "./radii.ts";

describe("the lower bound of a success probability", () => {
  // Computed with mpmath in 40 digits.
  it.each([
    [100, 100, 0.001, 0.933254300796991],
    [990, 1000, 0.001, 0.9760361871553114],
    [99000, 100000, 0.001, 0.9889893403774748],
    [99999, 100000, 0.001, 0.9999076696662654],
    [100000, 100000, 0.001, 0.9999309248330094],
    [66, 100, 0.001, 0.5016499513368726],
    [550, 1000, 0.001, 0.5006759600925578],
    [50490, 100000, 0.001, 0.5000089487744036],
    [3, 1000, 0.001, 0.0001907059817085266],
    [7777, 10000, 0.0005, 0.7637607515548606],
    [1, 50, 0.05, 0.0010253398672320636],
    [700000, 1000000, 0.001, 0.6985820404384635],
    [15345, 15400, 1e-6, 0.9935799111773557],
  ])(
    "of %d in %d at α = %d is within 1e-12 of the exact one and not above",
    (k, n, alpha, exact) => {
      const bound = lowerBound(k, n, alpha);
      expect(exact - bound).toBeGreaterThanOrEqual(0);
      expect(exact - bound).toBeLessThan(1e-12);
    },
  );

  it("is 0 without a success", () => {
    expect(lowerBound(0, 1000, 0.001)).toBe(0);
  });

  // From mpmath with 40 digits, by bisection of the continued fraction of the incomplete beta function.
  it.each([
    [600_000, 1_000_000, 0.001, 0.5984849351656046],
    [8_893_041, 9_328_298, 0.0382, 0.9532176138289579],
  ])("of %d of %d at α = %d is below the exact one", (successes, n, alpha, exact) => {
    const bound = lowerBound(successes, n, alpha);
    expect(bound).toBeLessThan(exact);
    expect(bound).toBeGreaterThan(exact - 1e-11);
  });

  it.each([
    [100, 66],
    [1000, 550],
    [10_000, 5156],
    [100_000, 50_490],
  ])("of %d trials at α = 0.001 is above ½ from %d successes on", (n, count) => {
    expect(smallestCount(n, 0.001)).toBe(count);
  });

  it("of 9 trials at α = 0.001 is never above ½", () => {
    expect(smallestCount(9, 0.001)).toBeNull();
    expect(smallestCount(10, 0.001)).toBe(10);
  });
});

it.each([
  [0.933254300796991, 1.50047502],
  [0.9760361871553, 1.97800958],
  [0.9889893403775, 2.28999996],
  [0.9999076696663, 3.73912667],
  [0.999930924833, 3.81145656],
])("Φ⁻¹(%d) is %d to 1e-8", (p, z) => {
  expect(Math.abs(normalQuantile(p) - z)).toBeLessThan(1e-8);
});

describe("the sign test", () => {
  it("agrees with sums of binomial coefficients", () => {
    // 2 · (1 + 10 + 45) / 2¹⁰ for 8 of 10, and 2 · 1 / 2⁵ for 5 of 5.
    expect(signTest(8, 10)).toBeCloseTo(112 / 1024, 14);
    expect(signTest(2, 10)).toBeCloseTo(112 / 1024, 14);
    expect(signTest(5, 5)).toBeCloseTo(1 / 16, 14);
  });

  it("is 1 for equal counts", () => {
    expect(signTest(5, 10)).toBe(1);
    expect(signTest(0, 0)).toBe(1);
  });
});

it("the radius of exp-linf noise is never above the exact one, at p close to ½ either", () => {
  for (let i = 1; i < 200; i++) {
    const p = 0.5 + i * 4.7e-9;
    // 2p − 1 is exact, and log1p is accurate for it.
    const exact = -0.001 * Math.log1p(1 - 2 * p);
    expect(expLinf(p, 0.001)).toBeLessThanOrEqual(exact * (1 + 1e-14));
    expect(expLinf(p, 0.001)).toBeGreaterThan(exact * (1 - 1e-9));
  }
});
