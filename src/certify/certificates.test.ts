import { describe, expect, it } from "vitest";
import { normalCdf } from "../math/special.ts";
import { parseNoise } from "../noise/table.ts";
import { certificateOf } from "./certificates.ts";
import { lowerCumulatives } from "./cumulative.ts";
import { inAllNorms } from "./radii.ts";

const d = 3072;
const radiiAt = (noise: string, p: number, dimensions = d) =>
  certificateOf(noise).radii(
    certificateOf(noise).components.map(() => p),
    dimensions,
  );

describe("radii at p = 0.9", () => {
  it.each([
    ["normal:0.25", "l2", 1.2815515655 * 0.25],
    ["laplace:0.2", "l1", 1.6094379124 * 0.2],
    ["uniform:0.2", "l1", 0.8 * 0.2],
    ["uniform:0.2", "linf", 3.3254e-4 * 0.2],
    ["exp-linf:0.001", "linf", 1.6094379124 * 0.001],
    ["mix-image:0.25:0.2", "l1", 0.222],
  ] as const)("of %s in %s agree with published numbers", (noise, norm, radius) => {
    const tolerance = noise.startsWith("mix") ? 5e-4 : 1e-5 * radius;
    expect(Math.abs(radiiAt(noise, 0.9)[norm] - radius)).toBeLessThan(tolerance);
  });
});

it.each([
  ["mix-image:0.25:0.2", [0.222, 0.332, 0.377]],
  ["mix:0.25:0.2", [0.175, 0.298, 0.36]],
] as const)("%s has at least the ℓ1 radii of the simple bound", (noise, radii) => {
  [0.9, 0.99, 0.999].forEach((p, i) => {
    expect(radiiAt(noise, p).l1).toBeGreaterThan(radii[i] - 5e-4);
  });
});

it.each(["normal", "laplace", "uniform", "conv", "mix", "mix-image"])(
  "%s has no radius at p = ½ or below, and a finite one at p = 1 − 1e-9",
  (noise) => {
    for (const p of [0, 0.3, 0.5]) expect(radiiAt(noise, p)).toEqual({ l2: 0, l1: 0, linf: 0 });
    for (const radius of Object.values(radiiAt(noise, 1 - 1e-9))) {
      expect(radius).toBeGreaterThan(0);
      expect(radius).toBeLessThan(5);
    }
  },
);

describe("the radius of a linear classifier in 3,072 dimensions", () => {
  const noises = ["normal:0.25", "laplace:0.2", "uniform:0.2", "conv:0.25:0.2", "mix:0.25:0.2"];

  /** P(η ≥ −margin) for the noise of one pixel. */
  function axisProbability(noise: string, margin: number): number {
    const { definition, parameters } = parseNoise(noise);
    return 1 - lowerCumulatives[definition.name](parameters)(-margin);
  }

  // Noise is symmetric, so the probability is ½ on the plane and each exact radius is the distance to the plane.
  it.each(noises)("one non-zero weight, %s: never above the exact one", (noise) => {
    for (let margin = 0.002; margin < 0.6; margin += 0.002) {
      const { l2, l1, linf } = radiiAt(noise, axisProbability(noise, margin));
      for (const radius of [l2, l1, linf]) expect(radius).toBeLessThanOrEqual(margin);
    }
  });

  it.each(["normal:0.25", "laplace:0.2", "uniform:0.2"])(
    "one non-zero weight, %s: tight in its own norm",
    (noise) => {
      for (const margin of [0.02, 0.08, 0.15]) {
        const { l1 } = radiiAt(noise, axisProbability(noise, margin));
        expect(l1 / margin).toBeGreaterThan(1 - 1e-9);
      }
    },
  );

  it("mix-image with one non-zero weight: never above the exact one", () => {
    for (let margin = 0.002; margin < 0.6; margin += 0.002) {
      const p = ["normal:0.25", "uniform:0.2"].map((noise) => axisProbability(noise, margin));
      const { l2, l1, linf } = certificateOf("mix-image:0.25:0.2").radii(p, d);
      for (const radius of [l2, l1, linf]) expect(radius).toBeLessThanOrEqual(margin);
    }
  });

  // With equal weights the sum of the noise is normal, up to an error far below the differences here.
  it.each([
    ["normal:0.25", 0.25],
    ["laplace:0.2", 0.2 * Math.SQRT2],
    ["uniform:0.2", 0.2 / Math.sqrt(3)],
    ["conv:0.25:0.2", Math.hypot(0.25, 0.2 / Math.sqrt(3))],
    ["mix:0.25:0.2", Math.sqrt((0.25 ** 2 + 0.2 ** 2 / 3) / 2)],
  ])("equal weights, %s: never above the exact one", (noise, deviation) => {
    for (let z = 0.05; z < 4; z += 0.05) {
      const l2 = z * deviation;
      const radii = radiiAt(noise, normalCdf(z));
      expect(radii.l2).toBeLessThanOrEqual(l2 * (1 + 1e-9));
      expect(radii.l1).toBeLessThanOrEqual(l2 * Math.sqrt(d) * (1 + 1e-9));
      expect(radii.linf).toBeLessThanOrEqual((l2 / Math.sqrt(d)) * (1 + 1e-9));
    }
  });
});

describe("the mixture per pixel in one dimension", () => {
  /** The smallest probability of any classifier that has probability p, after a shift by r: the Neyman–Pearson test. */
  function worst(p: number, r: number, sigma: number, bound: number): number {
    const cells = 40_000;
    const width = 4;
    const f = (x: number) =>
      Math.exp(-((x / sigma) ** 2) / 2) / (sigma * Math.sqrt(2 * Math.PI)) / 2 +
      (Math.abs(x) <= bound ? 1 / (2 * bound) / 2 : 0);
    const points = Array.from({ length: cells }, (_, i) => ((i + 0.5) / cells - 0.5) * width);
    const pairs = points.map((x) => [f(x), f(x - r)]).sort(([a, b], [c, e]) => b / a - e / c);
    let [mass, shifted] = [0, 0];
    for (const [before, after] of pairs) {
      if (mass >= p) break;
      mass += (before * width) / cells;
      shifted += (after * width) / cells;
    }
    return shifted;
  }

  it.each([0.6, 0.75, 0.9, 0.99])("p = %d stays above ½ at the radius", (p) => {
    const r = radiiAt("mix:0.25:0.2", p, 1).l1;
    expect(worst(p, r, 0.25, 0.2)).toBeGreaterThan(0.5 - 2e-3);
  });
});

it("radii in one norm imply those in the others by the constants between norms, and the larger one counts", () => {
  const below = (radius: number, exact: number) => {
    expect(radius).toBeLessThanOrEqual(exact);
    expect(radius).toBeGreaterThan(exact * (1 - 1e-11));
  };
  const [ofL1, ofL2, ofLinf] = [{ l1: 0.9 }, { l2: 0.9 }, { linf: 0.9 }].map((own) =>
    inAllNorms(own, 100),
  );
  below(ofL1.l2, 0.09);
  below(ofL1.linf, 0.009);
  expect(ofL2.l1).toBe(0.9);
  below(ofL2.linf, 0.09);
  expect([ofLinf.l1, ofLinf.l2]).toEqual([0.9, 0.9]);
  const both = inAllNorms({ l1: 9, l2: 0.5, linf: 0.01 }, 100);
  below(both.l2, 0.9);
  below(both.linf, 0.09);
  expect(both.l1).toBe(9);
});

it.each(["generalized-normal:3:0.3", "generalized-normal"])("%s is refused", (noise) => {
  expect(() => certificateOf(noise)).toThrow(
    expect.objectContaining({
      code: "misfit",
      message: expect.stringContaining("normal, laplace"),
    }),
  );
});
