import { expect, it } from "vitest";
import type { ModelFacts } from "../protocol.ts";
import { equalVolume, largestRadius, radiusOf } from "./radii.ts";

const modelOf = (shape: readonly number[]) => ({ shape }) as unknown as ModelFacts;

it("gives the paper's radii for CIFAR-10: 0.031 in ℓ∞, and 0.83 in ℓ2 for a ball of equal volume", () => {
  const model = modelOf([3, 32, 32]);
  expect(radiusOf("linf", model)).toBe(0.031);
  expect(radiusOf("l2", model)).toBeCloseTo(0.83, 2);
});

it("gives balls of equal volume in two dimensions, where one computes them by hand", () => {
  const model = modelOf([1, 1, 2]);
  // A square of side 2ε, a disc of radius r and a diamond of radius s: 4ε² = πr² = 2s².
  expect(equalVolume("linf", 0.3, model)).toBeCloseTo(0.3, 12);
  expect(equalVolume("l2", 0.3, model)).toBeCloseTo(0.6 / Math.sqrt(Math.PI), 12);
  expect(equalVolume("l1", 0.3, model)).toBeCloseTo(0.3 * Math.SQRT2, 12);
});

it("starts grey images at 0.1, and ends the slider at six times the start", () => {
  const model = modelOf([1, 28, 28]);
  expect(radiusOf("linf", model)).toBe(0.1);
  expect(largestRadius("linf", model)).toBeCloseTo(0.6, 12);
});
