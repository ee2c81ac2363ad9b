import { describe, expect, it } from "vitest";
import { roundedUp } from "./scales.ts";

/** Σ weight·factor in float32, in order. */
const sum32 = (weights: ArrayLike<number>, factors: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < factors.length; i++)
    total = Math.fround(total + Math.fround(weights[i] * factors[i]));
  return total;
};

describe("factors that are rounded up", () => {
  it("make up for a float32 sum that loses all its small terms", () => {
    const small = 2 ** -24.5;
    const factors = new Float64Array(1024).fill(small);
    factors[0] = 1;
    const weights = new Float64Array(1024).fill(1);
    expect(sum32(weights, factors.map(Math.fround))).toBe(1);
    expect(sum32(weights, roundedUp(factors, "float32"))).toBeGreaterThan(1 + 1023 * small);
  });

  it("make up for eight of them being added first, in float32", () => {
    const factors = Float64Array.from({ length: 8 }, (_, i) => (i === 0 ? 1 : 2 ** -24.1));
    const columns = factors.map((factor) => roundedUp(Float64Array.of(factor), "float32")[0]);
    const exact = factors.reduce((a, b) => a + b);
    expect(sum32(new Float64Array(8).fill(1), columns)).toBeGreaterThan(exact);
  });

  it("are float32 numbers that processors do not read as 0, but 0 stays 0", () => {
    const tiny = roundedUp(Float64Array.of(0, 1e-60, 1e-42, 1 / 3), "float32");
    expect([...tiny]).toEqual([...tiny].map(Math.fround));
    expect(tiny[0]).toBe(0);
    expect(Math.min(tiny[1], tiny[2])).toBeGreaterThanOrEqual(2 ** -126);
    expect(tiny[3]).toBeGreaterThan(1 / 3);
  });

  it("hardly grow in doubles", () => {
    const [value] = roundedUp(Float64Array.of(0.1), "float64");
    expect(value).toBeGreaterThan(0.1);
    expect(value).toBeLessThan(0.1 * (1 + 1e-13));
  });
});
