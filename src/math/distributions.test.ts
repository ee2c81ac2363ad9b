import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kolmogorov } from "../../test/fixtures/kolmogorov-fixture.ts";
import { laplace, normal, permutation, uniform } from "./distributions.ts";
import { fold, keyOf, keysFor } from "./random.ts";
import { normalCdf } from "./special.ts";
import { rows } from "./tensor.ts";

const laplaceCdf = (x: number) => (x < 0 ? Math.exp(x) / 2 : 1 - Math.exp(-x) / 2);

const distributions = [
  {
    name: "U[−0.2, 0.2]",
    sample: uniform,
    args: [-0.2, 0.2],
    deviation: 0.4 / Math.sqrt(12),
    cdf: (x: number) => (x + 0.2) / 0.4,
  },
  {
    name: "N(0, 0.25²)",
    sample: normal,
    args: [0.25],
    deviation: 0.25,
    cdf: (x: number) => normalCdf(x / 0.25),
  },
  {
    name: "Laplace(0.2)",
    sample: laplace,
    args: [0.2],
    deviation: 0.2 * Math.SQRT2,
    cdf: (x: number) => laplaceCdf(x / 0.2),
  },
] as const;

describe.each(distributions)("$name", ({ sample, args, cdf, deviation }) => {
  const draw = sample as (...all: unknown[]) => ReturnType<typeof uniform>;
  const keys = keysFor(keyOf(7), [0, 1, 2, 3, 4, 5, 6, 7]);

  // Each bound is exceeded with probability 1e-6: 2 exp(−2 · 2.69²).
  it("has its distribution along a row, for fixed keys", () => {
    expect(kolmogorov(draw(keys, [8, 25_000], ...args).data, cdf)).toBeLessThan(2.69);
  });

  it("has its standard deviation, to 1.3 %", () => {
    const { data } = draw(keys, [8, 25_000], ...args);
    const square = data.reduce((sum, v) => sum + v * v, 0) / data.length;
    // Five standard deviations of the estimate for Laplace, which has the largest; eight for the normal.
    expect(Math.abs(Math.sqrt(square) / deviation - 1)).toBeLessThan(0.013);
  });

  it("has its distribution across keys, for a fixed seed", () => {
    const many = Array.from({ length: 20_000 }, (_, i) => fold(keyOf(8), i));
    expect(kolmogorov(draw(many, [20_000, 1], ...args).data, cdf)).toBeLessThan(2.69);
  });

  it("draws a row from its key alone, for any batch", () => {
    const batch = draw(keys, [8, 3, 5], ...args);
    keys.forEach((key, i) => {
      expect(draw([key], [1, 3, 5], ...args).data).toEqual(rows(batch, i, i + 1).data);
    });
  });

  it("draws uncorrelated rows", () => {
    const [a, b] = [0, 1].map((i) => draw([keys[i]], [1, 40_000], ...args).data);
    const product = (x: Float32Array, y: Float32Array) => x.reduce((s, v, i) => s + v * y[i], 0);
    // A correlation beyond 5/√n has probability 6e-7.
    const correlation = product(a, b) / Math.sqrt(product(a, a) * product(b, b));
    expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(40_000));
  });

  it("rejects a number of keys that is not the number of rows", () => {
    expect(() => draw(keys, [7, 2], ...args)).toThrow("needs one key per row, got 8");
  });
});

it("a permutation contains each index once", () => {
  fc.assert(
    fc.property(fc.nat(200), fc.nat(), (n, seed) => {
      const sorted = permutation(n, keyOf(seed)).sort((a, b) => a - b);
      expect(sorted).toEqual(Array.from({ length: n }, (_, i) => i));
    }),
  );
});

it("all 24 orders of 4 elements are equally frequent", () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 24_000; seed++) {
    const order = permutation(4, keyOf(seed)).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  const chiSquare = [...counts.values()].reduce(
    (sum, count) => sum + (count - 1000) ** 2 / 1000,
    0,
  );
  expect(counts.size).toBe(24);
  expect(chiSquare).toBeLessThan(66.7); // 23 degrees of freedom: exceeded with probability 4e-6
});
