import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { boundaryDistances, nearAllBoundaries } from "./near-boundary.ts";

describe("the distance from a boundary", () => {
  it("is exact for a linear classifier, and 0 for an image that is wrong", async () => {
    // Class 1 begins where 3a + 4b = 2.5; the vector (3, 4) has length 5.
    const network = linearVictim(tensor([2, 2], [0, 0, 3, 4]), [0, -2.5]);
    const x = tensor([2, 1, 1, 2], [0.1, 0.3, 0.5, 0.5]);
    const [near, wrong] = await boundaryDistances(network, x, [0, 0], keysFor(keyOf(0), [0, 1]));
    expect(near).toBeCloseTo((2.5 - 0.3 - 1.2) / 5, 6);
    expect(wrong).toBe(0);
  });
});

describe("the image near all boundaries", () => {
  const distances = [
    [0.5, 0.02, 0.2, 0.3, 0.2],
    [0.2, 0.3, 0.6, 0.35, 0],
  ];

  it("has the smallest largest distance of those that are right everywhere and not too near", () => {
    expect(nearAllBoundaries(distances, 0.1)).toEqual({ index: 3, distances: [0.3, 0.35] });
    expect(nearAllBoundaries(distances, 0)?.index).toBe(1);
  });

  it("does not exist where no image fits", () => {
    expect(nearAllBoundaries(distances, 0.6)).toBeNull();
    expect(nearAllBoundaries([], 0)).toBeNull();
  });
});
