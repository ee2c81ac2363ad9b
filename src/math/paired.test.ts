import { describe, expect, it } from "vitest";
import { mcnemar, pairedDifference } from "./paired.ts";
import { keyOf } from "./random.ts";

describe("McNemar's test", () => {
  it.each([
    // Sums of binomial coefficients in exact fractions: min(1, 2 · Σ C(n, k) / 2ⁿ from k = max(lost, gained)).
    [9, 1, 0.021484375],
    [0, 5, 0.0625],
    [30, 12, 0.007915897334896727],
    [1, 0, 1],
    [7, 7, 1],
    [500, 430, 0.023608839292547198],
    [25, 60, 0.00018679938527835335],
    [5000, 4800, 0.04440414879984629],
  ])("of %d lost and %d gained is exact", (lost, gained, p) => {
    expect(Math.abs(mcnemar(lost, gained) / p - 1)).toBeLessThan(1e-9);
    expect(mcnemar(gained, lost)).toBe(mcnemar(lost, gained));
  });

  it("says 1 where nothing changed", () => expect(mcnemar(0, 0)).toBe(1));
});

/** Differences of n images: the first `lost` are −1, the next `gained` are 1. */
const differences = (n: number, lost: number, gained: number): number[] =>
  Array.from({ length: n }, (_, i) => {
    if (i < lost) return -1;
    return i < lost + gained ? 1 : 0;
  });

describe("the interval of a paired difference", () => {
  it("is near the normal one for many images", () => {
    const d = differences(1000, 120, 60);
    const { mean, low, high } = pairedDifference(d, keyOf(1));
    // The standard error of the mean of the differences: √((p₋ + p₊ − (p₊ − p₋)²) / n).
    const half = 1.959964 * Math.sqrt((0.18 - 0.06 ** 2) / 1000);
    expect(mean).toBeCloseTo(-0.06, 12);
    expect(Math.abs(low - (-0.06 - half))).toBeLessThan(0.003);
    expect(Math.abs(high - (-0.06 + half))).toBeLessThan(0.003);
  });

  it("leans to the long tail of few losses", () => {
    const { low, high } = pairedDifference(differences(200, 6, 0), keyOf(1));
    expect(-0.03 - low).toBeGreaterThan(high + 0.03);
  });

  it("turns around with the sign, up to the resamples", () => {
    const one = pairedDifference(differences(300, 40, 10), keyOf(2));
    const other = pairedDifference(differences(300, 10, 40), keyOf(3));
    expect(Math.abs(one.low + other.high)).toBeLessThan(0.01);
    expect(Math.abs(one.high + other.low)).toBeLessThan(0.01);
  });

  it("has no width of 0 where no image changed: 1 − 0.025^(1/n) may still change", () => {
    const q = 1 - 0.025 ** (1 / 100);
    expect(pairedDifference(differences(100, 0, 0), keyOf(0))).toEqual({
      mean: 0,
      low: -q,
      high: q,
    });
    // All lost: only the other end is open.
    expect(pairedDifference(differences(100, 100, 0), keyOf(0))).toEqual({
      mean: -1,
      low: -1,
      high: -1 + 2 * q,
    });
  });

  it("is the same for the same key, and spans everything without images", () => {
    const d = differences(500, 45, 22);
    expect(pairedDifference(d, keyOf(5))).toEqual(pairedDifference(d, keyOf(5)));
    expect(pairedDifference(d, keyOf(6))).not.toEqual(pairedDifference(d, keyOf(5)));
    expect(pairedDifference([], keyOf(0))).toMatchObject({ low: -1, high: 1 });
  });
});
