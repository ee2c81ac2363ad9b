import fc from "fast-check";
import { expect, it } from "vitest";
import { distances } from "./examples.ts";
import { projectL1Box } from "./l1.ts";
import { projectL2Box } from "./l2.ts";

const numbers = (min: number, max: number) =>
  fc.array(fc.double({ min, max, noNaN: true }), { minLength: 8, maxLength: 8 });

it.each([
  { norm: "l1", project: projectL1Box },
  { norm: "l2", project: projectL2Box },
] as const)(
  "lands in the box and the $norm ball, and every other point of both lies beyond a right angle",
  ({ norm, project }) => {
    const distance = distances[norm];
    fc.assert(
      fc.property(
        numbers(0, 1),
        numbers(-3, 3),
        numbers(0, 1),
        fc.double({ min: 0.01, max: 6, noNaN: true }),
        (pixels, start, elsewhere, epsilon) => {
          const x = Float32Array.from(pixels, Math.round); // half of all directions have no room at all
          for (let i = 0; i < 4; i++) x[i] = pixels[i];
          const point = Float64Array.from(start);
          project(point, x, epsilon);
          expect(distance(point, x)).toBeLessThanOrEqual(epsilon + 1e-9);
          for (const v of point) expect(v >= -1e-12 && v <= 1 + 1e-12).toBe(true);
          const share = Math.min(1, epsilon / distance(elsewhere, x));
          const other = Array.from(x, (v, i) => v + share * (elsewhere[i] - v));
          // ⟨u − p, q − p⟩ ≤ 0 for every q of a convex set, exactly when p is the projection of u.
          const product = start.reduce((s, u, i) => s + (u - point[i]) * (other[i] - point[i]), 0);
          expect(product).toBeLessThan(1e-6);
        },
      ),
      { numRuns: 500 },
    );
  },
);

it("leaves alone what is inside", () => {
  const point = Float64Array.of(0.25, 0.5, 0.75);
  projectL1Box(point, Float32Array.of(0.5, 0.5, 0.5), 0.5);
  expect([...point]).toEqual([0.25, 0.5, 0.75]);
});
