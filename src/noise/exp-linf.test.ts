import { expect, it } from "vitest";
import { keyOf, keysFor } from "../math/random.ts";
import { expLinf } from "./exp-linf.ts";

const norms = (size: number, draws: number) => {
  const keys = keysFor(
    keyOf(3),
    Array.from({ length: draws }, (_, i) => i),
  );
  const { data } = expLinf({ scale: 0.1 }).sample(keys, [draws, size]);
  return keys.map((_, i) =>
    data.subarray(i * size, (i + 1) * size).reduce((most, x) => Math.max(most, Math.abs(x)), 0),
  );
};

it("the largest pixel is Gamma(d, λ): mean dλ and variance dλ²", () => {
  // Five standard errors: a false alarm has probability below 1e-6.
  for (const size of [1, 4, 50]) {
    const draws = 20_000;
    const all = norms(size, draws);
    const mean = all.reduce((sum, x) => sum + x, 0) / draws;
    const variance = all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws;
    expect(Math.abs(mean - 0.1 * size)).toBeLessThan(5 * 0.1 * Math.sqrt(size / draws));
    expect(Math.abs(variance / (0.01 * size) - 1)).toBeLessThan(0.12);
  }
});

it("in one dimension it is Laplace noise", () => {
  const share = norms(1, 20_000).filter((x) => x > 0.1).length / 20_000;
  expect(Math.abs(share - Math.exp(-1))).toBeLessThan(0.018);
});
