import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pointOf, smoothMaximum, sumOfViolated, worstTerm } from "./objectives.ts";

const excesses = fc
  .array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 6 })
  .map((values) => Float64Array.from(values));

describe("objectives", () => {
  it("include the largest term and the sum of the positive ones", () => {
    expect(worstTerm(Float64Array.of(-1, 3, 3))).toEqual({
      value: 3,
      slopes: Float64Array.of(0, 1, 0),
    });
    expect(sumOfViolated(Float64Array.of(-1, 3, 2))).toEqual({
      value: 5,
      slopes: Float64Array.of(0, 1, 1),
    });
    expect(sumOfViolated(Float64Array.of(-1, -3))).toEqual({
      value: -1,
      slopes: Float64Array.of(1, 0),
    });
  });

  it("the smooth maximum is at least the maximum, and above it by less than τ log of the number of terms", () => {
    fc.assert(
      fc.property(excesses, (values) => {
        const { value, slopes } = smoothMaximum()(values);
        const [least, most] = [Math.min(...values), Math.max(...values)];
        expect(value).toBeGreaterThanOrEqual(most);
        const temperature = (most - least) / 10;
        expect(value).toBeLessThanOrEqual(most + temperature * Math.log(values.length) + 1e-12);
        expect(slopes.reduce((sum, slope) => sum + slope, 0)).toBeCloseTo(1, 12);
      }),
    );
  });

  it.each([
    ["worst term", () => worstTerm],
    ["sum", () => sumOfViolated],
    ["smooth maximum", smoothMaximum],
  ])("the weights of the %s are its derivative by the outputs", (_, make) => {
    const conditions = [
      { coefficients: Float64Array.of(1, -2, 0), bound: 0.5 },
      { coefficients: Float64Array.of(0, 1, 3), bound: -1 },
      { coefficients: Float64Array.of(0.5, 0, 1), bound: -20 },
    ];
    const objective = make();
    const outputs = [0.3, -0.7, 0.9];
    const { weights } = pointOf(conditions, objective, [9, ...outputs], 1);
    for (const j of [0, 1, 2]) {
      const shifted = (h: number) => outputs.map((y, i) => (i === j ? y + h : y));
      const at = (h: number) => pointOf(conditions, objective, shifted(h), 0).value;
      expect(weights[j]).toBeCloseTo((at(1e-6) - at(-1e-6)) / 2e-6, 6);
    }
  });
});
