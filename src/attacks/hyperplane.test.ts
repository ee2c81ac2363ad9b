import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { distances } from "./examples.ts";
import { hyperplaneProjections } from "./hyperplane.ts";

const numbers = (min: number, max: number) =>
  fc.array(fc.double({ min, max, noNaN: true }), { minLength: 7, maxLength: 7 });
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (v, i) => v * b[i]).reduce((sum, v) => sum + v, 0);
const zero = new Float64Array(7);

describe.each(["linf", "l2", "l1"] as const)("the way to a hyperplane in %s", (norm) => {
  it("reaches it inside the box, and no point of the hyperplane in the box is closer", () => {
    fc.assert(
      fc.property(numbers(0, 1), numbers(-2, 2), numbers(0, 1), (x, weights, goal) => {
        const w = Float32Array.from(weights, (v) => Math.round(64 * v) / 64);
        const need = dot(w, goal) - dot(w, x); // `goal` is a point of the hyperplane
        const d = hyperplaneProjections[norm](x, w, need);
        for (let i = 0; i < 7; i++) {
          expect(x[i] + d[i]).toBeGreaterThanOrEqual(-1e-9);
          expect(x[i] + d[i]).toBeLessThanOrEqual(1 + 1e-9);
        }
        expect(dot(w, d)).toBeCloseTo(need, 6);
        expect(distances[norm](d, zero)).toBeLessThanOrEqual(distances[norm](goal, x) + 1e-6);
      }),
      { numRuns: 500 },
    );
  });

  it("ends at the box where the hyperplane is beyond it, and nowhere without weights", () => {
    const x = [0.2, 0.9, 0.5, 0, 1, 0.3, 0.6];
    const w = Float32Array.of(1, -1, 2, 0, 0.5, -3, 1);
    const d = hyperplaneProjections[norm](x, w, 100);
    expect([...d].map((v) => Number(v.toFixed(9)))).toEqual([0.8, -0.9, 0.5, 0, 0, -0.3, 0.4]);
    expect([...hyperplaneProjections[norm](x, new Float32Array(7), 1)].every((v) => v === 0)).toBe(
      true,
    );
  });
});
