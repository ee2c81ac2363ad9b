import { expect, it } from "vitest";
import { decide, logEvidenceAbove } from "./sequential.ts";

/** The exact probability that draws of success probability `truth` are ever decided to be above p, within `most` draws. */
function everAbove(p: number, truth: number, most: number, alpha: number): number {
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
    while (failing <= t && logEvidenceAbove(p, t - failing, t) >= -Math.log(alpha)) {
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
    const share = everAbove(p, p, 1500, alpha);
    expect(share).toBeLessThan(alpha);
    expect(share).toBeGreaterThan(alpha / 50);
  },
);

it("below the tested p a false certificate is rarer still", () => {
  expect(everAbove(0.9, 0.88, 1000, 0.01)).toBeLessThan(everAbove(0.9, 0.9, 1000, 0.01));
});

it("certainty is certified after a few hundred draws, and a coin is given up at once", () => {
  const p = 0.9772498680518208;
  expect(decide(p, 600, 600, 0.001)).toBe("above");
  expect(decide(p, 100, 100, 0.001)).toBe("open");
  expect(decide(p, 10, 20, 0.001)).toBe("below");
});
