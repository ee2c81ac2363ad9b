import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSlow } from "../../test/fixtures/slow.ts";
import { tensor } from "../math/tensor.ts";
import { distancesOf, projectExactly } from "./exact-projection.ts";
import type { Norm } from "./victim.ts";

/** ‖a − b‖ in double precision, added from the last pixel to the first. */
const backwards: { readonly [N in Norm]: (a: Float32Array, b: Float32Array) => number } = {
  linf: (a, b) => Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i]))),
  l2: (a, b) => Math.sqrt(Array.from(a, (v, i) => (v - b[i]) ** 2).reduceRight((s, v) => s + v, 0)),
  l1: (a, b) => Array.from(a, (v, i) => Math.abs(v - b[i])).reduceRight((s, v) => s + v, 0),
};

const pixel = fc.oneof(
  fc.float({ min: 0, max: 1, noNaN: true }),
  fc.nat(255).map((level) => Math.fround(level / 255)),
  fc.constantFrom(0, 1, 2 ** -30),
);
const radius = fc.oneof(
  fc.double({ min: 1e-12, max: 4, noNaN: true }),
  fc.nat({ max: 254 }).map((level) => (level + 1) / 255),
  fc.constantFrom(0.031, 0.83, 1e-7, 12),
);
const size = 24;
const pixels = fc.array(pixel, { minLength: size, maxLength: size });

describe.each(["linf", "l2", "l1"] as const)("brought into the %s ball", (norm) => {
  it("no point is outside in double precision, whatever the order of the additions", () => {
    fc.assert(
      fc.property(pixels, pixels, radius, (from, to, epsilon) => {
        const [x, far] = [tensor([1, size], from), tensor([1, size], to)];
        const { data } = projectExactly(far, x, norm, epsilon);
        expect(distancesOf(tensor([1, size], data), x, norm)[0]).toBeLessThanOrEqual(epsilon);
        expect(backwards[norm](data, x.data)).toBeLessThanOrEqual(epsilon);
        for (const v of data) expect(v >= 0 && v <= 1).toBe(true);
      }),
      { numRuns: isSlow ? 1000 : 150 },
    );
  });

  it("a point outside comes to lie at the edge, up to float32", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 0.2, noNaN: true }), pixels, (epsilon, to) => {
        const x = tensor([1, size], Array(size).fill(0.4));
        const far = tensor([1, size], to);
        const outside = distancesOf(far, x, norm)[0] > epsilon;
        fc.pre(outside);
        const [length] = distancesOf(projectExactly(far, x, norm, epsilon), x, norm);
        expect(length).toBeGreaterThan(epsilon * (1 - 1e-4));
      }),
    );
  });

  it("a point well inside stays where it is, up to one rounding", () => {
    const x = tensor([1, 3], [0.1, 0.5, 0.9]);
    const near = tensor([1, 3], [0.101, 0.499, 0.9]);
    const { data } = projectExactly(near, x, norm, 0.5);
    for (const [i, v] of data.entries()) expect(Math.abs(v - near.data[i])).toBeLessThan(1e-7);
  });
});

it("a step between two levels of an image file ends at most at ε = 8/255", () => {
  const levels = Array.from({ length: 248 }, (_, level) => level);
  const x = tensor(
    [1, 248],
    levels.map((level) => level / 255),
  );
  const eight = tensor(
    [1, 248],
    levels.map((level) => (level + 8) / 255),
  );
  const inside = projectExactly(eight, x, "linf", 8 / 255);
  expect(distancesOf(eight, x, "linf")[0]).toBeGreaterThan(8 / 255);
  expect(distancesOf(inside, x, "linf")[0]).toBeLessThanOrEqual(8 / 255);
  // Rounded to 8 bits it is the image that was meant.
  expect(Array.from(inside.data, (v) => Math.round(255 * v))).toEqual(levels.map((v) => v + 8));
});
