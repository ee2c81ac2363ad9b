import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recipes } from "./recipes.ts";
import { multiStep, oneCycle } from "./schedule.ts";

describe("multiStep", () => {
  it("drops at 60, 120 and 160 of 200 epochs, as Zagoruyko & Komodakis do", () => {
    const rateAt = recipes.zagoruyko.schedule(0.1, 200);
    const rates = [0, 59, 60, 119, 120, 159, 160, 199].map(rateAt);
    const expected = [0.1, 0.1, 0.02, 0.02, 0.004, 0.004, 0.0008, 0.0008];
    for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(expected[i], 12);
  });

  it("drops by ten with the authors' recipe", () => {
    expect(recipes.authors.schedule(0.1, 200)(60)).toBeCloseTo(0.01, 12);
  });

  it("keeps one rate without milestones", () => {
    expect(multiStep(0.3, 0.1, [], 10)(9)).toBe(0.3);
  });
});

describe("oneCycle", () => {
  it("rises to the rate, reaches it once, and falls in a straight line", () => {
    const rateAt = oneCycle(1, 0.25, 8);
    const expected = [1 / 2, 1, 6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7];
    for (const [step, rate] of expected.entries()) expect(rateAt(step)).toBeCloseTo(rate, 12);
  });

  it("is positive and at most the rate at every step of every run", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (steps, warmup) => {
          const rates = Array.from({ length: steps }, (_, step) =>
            oneCycle(2, warmup, steps)(step),
          );
          expect(Math.min(...rates)).toBeGreaterThan(0);
          expect(Math.max(...rates)).toBeCloseTo(2, 12);
        },
      ),
    );
  });
});
