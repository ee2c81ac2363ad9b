import { expect, it } from "vitest";
import { lowerBound } from "./binomial.ts";
import { decide, logEvidenceAbove } from "./sequential.ts";

/** Whether the test has decided "above" after each number of draws and failures, of up to `most` draws. */
const isAbove = (
  p: number,
  draws: number,
  failures: number,
  options: { alpha: number; most: number },
) => decide(p, { successes: draws - failures, draws }, options) === "above";

/**
 * The exact probability that draws of success probability `truth` are ever decided to be above p, within `most` draws and looking
 * after each of them. "below" is left out: it could only make the number smaller.
 */
function everAbove(p: number, truth: number, options: { alpha: number; most: number }): number {
  const { most } = options;
  let open = new Float64Array(most + 2);
  open[0] = 1;
  let decided = 0;
  // The smallest number of failures at which nothing is decided yet never falls.
  let failing = 0;
  for (let t = 1; t <= most; t++) {
    const next = new Float64Array(most + 2);
    for (let failures = failing; failures < t; failures++) {
      next[failures] += open[failures] * truth;
      next[failures + 1] += open[failures] * (1 - truth);
    }
    while (failing <= t && isAbove(p, t, failing, options)) {
      decided += next[failing];
      next[failing++] = 0;
    }
    open = next;
  }
  return decided;
}

it.each([
  [0.9772498680518208, 0.001],
  [0.75, 0.01],
  [0.6, 0.05],
])(
  "at the tested p = %d a false certificate has probability below α = %d at every time",
  (p, alpha) => {
    const share = everAbove(p, p, { alpha, most: 1500 });
    expect(share).toBeLessThan(alpha);
    expect(share).toBeGreaterThan(alpha / 50);
  },
);

it("below the tested p a false certificate is rarer still", () => {
  const options = { alpha: 0.01, most: 1000 };
  expect(everAbove(0.9, 0.88, options)).toBeLessThan(everAbove(0.9, 0.9, options));
});

it("certainty is certified after a few hundred draws, and a coin is given up at once", () => {
  const p = 0.9772498680518208;
  const options = { alpha: 0.001, most: 100_000 };
  expect(decide(p, { successes: 600, draws: 600 }, options)).toBe("above");
  expect(decide(p, { successes: 100, draws: 100 }, options)).toBe("open");
  expect(decide(p, { successes: 10, draws: 20 }, options)).toBe("below");
});

it("after all draws the fixed test at half the level decides too", () => {
  const p = 0.9772498680518208;
  const most = 100_000;
  let successes = 97_725;
  while (lowerBound(successes, most, 0.0005) < p) successes++;
  const at = (draws: number, count: number) =>
    decide(p, { successes: count, draws }, { alpha: 0.001, most });
  expect(at(most, successes)).toBe("above");
  expect(at(most, successes - 1)).toBe("open");
  expect(logEvidenceAbove(p, successes, most)).toBeLessThan(-Math.log(0.0005));
  // 12 of 100,000 more than the fixed test at the whole level needs.
  let fixed = 97_725;
  while (lowerBound(fixed, most, 0.001) < p) fixed++;
  expect(successes - fixed).toBeGreaterThan(0);
  expect(successes - fixed).toBeLessThan(15);
});
