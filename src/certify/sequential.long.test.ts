// Long: simulates 10⁵ sequential tests of up to 10⁵ draws (SLOW=1; fewer and shorter ones without it).
import { expect, it } from "vitest";
import { fillBits, fold, keyOf } from "../math/random.ts";
import { decide } from "./sequential.ts";

const slow = process.env.SLOW === "1";
const alpha = 0.001;
/** Φ(2): what normal noise of σ = 0.25 needs for an ℓ2 radius of 0.5. */
const target = 0.9772498680518208;

/** For each number of failures the first number of draws, looking after each, that is decided to be above; Infinity if none is. */
function boundary(most: number): number[] {
  const first: number[] = [];
  let draws = 1;
  const above = (t: number, failures: number) =>
    decide(target, { successes: t - failures, draws: t }, { alpha, most }) === "above";
  for (let failures = 0; failures < most; failures++) {
    if (!above(most, failures)) break;
    // The last look has its own boundary. Before it, the boundary rises with the number of failures.
    if (!above(most - 1, failures)) {
      first.push(most);
      continue;
    }
    let [low, high] = [Math.max(draws, failures + 1) - 1, most - 1];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (above(middle, failures)) high = middle;
      else low = middle;
    }
    draws = high;
    first.push(high);
  }
  return first;
}

it("simulated tests at the target's probability certify in less than α of all runs, at any time", {
  timeout: 600_000,
}, () => {
  const [runs, most] = slow ? [100_000, 100_000] : [20_000, 10_000];
  const first = boundary(most);
  const words = new Uint32Array(first.length);
  const perFailure = Math.log(target);
  let wrong = 0;
  for (let run = 0; run < runs; run++) {
    fillBits(fold(keyOf(9), run), words);
    let draws = 0;
    for (let failures = 0; failures < first.length; failures++) {
      // Successes before the next failure: a geometric number.
      const successes = Math.floor(Math.log((words[failures] + 0.5) / 2 ** 32) / perFailure);
      if (Math.min(draws + successes, most) >= first[failures]) {
        wrong++;
        break;
      }
      draws += successes + 1;
      if (draws >= most) break;
    }
  }
  // Exactly α would give 100 of 100,000 with a deviation of 10; the bounds of Ville and Bonferroni leave more room.
  expect(wrong / runs).toBeLessThan(alpha);
  expect(wrong).toBeGreaterThan(0);
});

/** Draws and decision of one test in batches of 100, of draws with success probability p. */
function simulated(p: number, most: number, seed: number) {
  const words = new Uint32Array(100);
  let successes = 0;
  for (let draws = 100; ; draws += 100) {
    fillBits(fold(fold(keyOf(4), seed), draws), words);
    successes += words.filter((word) => word < p * 2 ** 32).length;
    const decision = decide(target, { successes, draws }, { alpha, most });
    if (decision !== "open" || draws === most) return { draws, isAbove: decision === "above" };
  }
}

// The shares of votes of 100 test images of CIFAR-10 for their class, ni-normal (results/certify), as five groups.
it("takes far fewer draws than a fixed number, on the probabilities of a real network", () => {
  const most = slow ? 100_000 : 20_000;
  const shares = [
    0.4, 0.55, 0.7, 0.8, 0.85, 0.9, 0.94, 0.95, 0.96, 0.98, 0.99, 0.993, 0.997, 0.999, 1,
  ];
  const found = shares.map((p, i) => simulated(p, most, i));
  const mean = found.reduce((sum, { draws }) => sum + draws, 0) / found.length;
  expect(mean).toBeLessThan(most / (slow ? 10 : 5));
  expect(found.map(({ isAbove }) => isAbove)).toEqual(
    shares.map((p) => p > 0.98 || (slow && p >= 0.98)),
  );
});
