import { expect, it } from "vitest";
import { boundaries, fixedEnding, sequentialEnding } from "../scripts/sequential-table.ts";
import { smallestCount } from "../src/certify/binomial.ts";
import { decide } from "../src/certify/sequential.ts";
import { fillBits, fold, keyOf } from "../src/math/random.ts";

const [alpha, most, target] = [0.001, 2000, 0.9];
const RUNS = 200;
const looks = boundaries(target, { most, alpha });

/** Runs the test on random draws, as `certify` does. */
function simulated(p: number, run: number) {
  const words = new Uint32Array(100);
  let successes = 0;
  for (let draws = 100; ; draws += 100) {
    fillBits(fold(fold(keyOf(8), run), draws), words);
    successes += words.filter((word) => word < p * 2 ** 32).length;
    const decision = decide(target, { successes, draws }, { alpha, most });
    if (decision !== "open" || draws === most) return { draws, isAbove: decision === "above" };
  }
}

it.each([0.85, 0.9, 0.93, 0.96])(
  "the computed ending of a sequential test at p = %s agrees with simulated ones",
  (p) => {
    const runs = Array.from({ length: RUNS }, (_, run) => simulated(p, run));
    const { certified, draws } = sequentialEnding(p, looks);
    const share = runs.filter(({ isAbove }) => isAbove).length / runs.length;
    const mean = runs.reduce((sum, one) => sum + one.draws, 0) / runs.length;
    const spread = Math.sqrt(runs.reduce((sum, one) => sum + (one.draws - mean) ** 2, 0)) / RUNS;
    // Five standard errors; the keys are fixed.
    expect(Math.abs(share - certified)).toBeLessThan(5 * Math.sqrt(0.25 / RUNS) * 0.9 + 0.002);
    expect(Math.abs(mean - draws)).toBeLessThan(5 * spread + 1);
  },
);

it("an image with all votes is certified by the first batches that suffice, and one at the target hardly ever", () => {
  const first = looks.find(({ certify }) => certify >= 0);
  expect(sequentialEnding(1, looks)).toEqual({ certified: 1, draws: first?.draws });
  const { certified } = sequentialEnding(target, looks);
  expect(certified).toBeGreaterThan(0);
  expect(certified).toBeLessThan(alpha);
  expect(sequentialEnding(0, looks)).toEqual({ certified: 0, draws: 100 });
});

it("a fixed number of draws certifies from the smallest count on", () => {
  const least = Number(smallestCount(100_000, 0.001)) / 100_000;
  const half = fixedEnding(least, 0.5).certified;
  expect(half).toBeGreaterThan(0.45);
  expect(half).toBeLessThan(0.55);
  expect(fixedEnding(1, 0.5)).toEqual({ certified: 1, draws: 100_000 });
  expect(fixedEnding(0.4, 0.5).certified).toBe(0);
});
