import { describe, expect, it } from "vitest";
import { keyOf } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { signTest } from "./binomial.ts";
import { predict, predictAt, winner } from "./predict.ts";
import type { SmoothedClassifier } from "./smoothed.ts";
import type { BaseClassifier } from "./votes.ts";

/** Σ C(n, i) pⁱ (1 − p)ⁿ⁻ⁱ for i ≥ k, term by term. */
function upperTail(k: number, n: number, p: number): number {
  let [sum, term] = [0, (1 - p) ** n];
  for (let i = 0; i <= n; i++) {
    if (i >= k) sum += term;
    term *= ((n - i) / (i + 1)) * (p / (1 - p));
  }
  return sum;
}

describe("the class of most votes", () => {
  const exact = { n: 100, alpha: 0.001, error: 0 };

  it("is told at the smallest lead of the exact two-sided test, and not below", () => {
    for (let votes = 51; votes <= 100; votes++) {
      const isClear = 2 * upperTail(votes, 100, 0.5) <= 0.001;
      expect([votes, winner([votes, 100 - votes], exact)]).toEqual([votes, isClear ? 0 : null]);
    }
  });

  it("is compared with the second class alone", () => {
    expect(winner([40, 10, 9, 9, 9, 9, 7, 7], exact)).toBe(0);
    expect(winner([40, 30, 5, 5, 5, 5, 5, 5], exact)).toBeNull();
  });

  it("has draws without a vote against it", () => {
    expect(winner([70, 30], exact)).toBe(0);
    expect(winner([70, 10], exact)).toBe(0);
    expect(winner([60, 20], exact)).toBeNull();
    expect(winner([40, 0], exact)).toBeNull();
  });

  it("needs a larger lead where draws are not exact", () => {
    // ½ + error · classes/2 is the share of the second class at most.
    for (const [votes, error] of [
      [70, 0.02],
      [75, 0.1],
      [90, 0.3],
    ]) {
      const isClear = 2 * upperTail(votes, 100, 0.5 + error) <= 0.001;
      expect([votes, isClear]).toEqual([votes, votes === 70]);
      expect(winner([votes, 100 - votes], { n: 100, alpha: 0.001, error })).toBe(
        isClear ? 0 : null,
      );
    }
    // With ten classes the most probable one may have a tenth of the draws.
    const counts = [75, 25, 0, 0, 0, 0, 0, 0, 0, 0];
    expect(winner(counts, { n: 100, alpha: 0.001, error: 0.01 })).toBe(0);
    expect(winner(counts, { n: 100, alpha: 0.001, error: 0.02 })).toBeNull();
  });

  it("is refused in at most α of all samples of the worst distribution within the error", () => {
    const [n, error] = [60, 0.05];
    const wrong = Array.from({ length: n + 1 }, (_, votes) => votes)
      .filter((votes) => winner([n - votes, votes], { n, alpha: 0.05, error }) === 1)
      .reduce((sum, k) => sum + upperTail(k, n, 0.55) - upperTail(k + 1, n, 0.55), 0);
    expect(wrong).toBeLessThanOrEqual(0.05);
    expect(wrong).toBeGreaterThan(0.005);
    const ignoring = Array.from({ length: n + 1 }, (_, votes) => votes)
      .filter((votes) => winner([n - votes, votes], { n, alpha: 0.05, error: 0 }) === 1)
      .reduce((sum, k) => sum + upperTail(k, n, 0.55) - upperTail(k + 1, n, 0.55), 0);
    expect(ignoring).toBeGreaterThan(0.05);
  });
});

it("the sign test of a share above ½ is twice the exact tail", () => {
  for (const [k, n, p] of [
    [60, 100, 0.5],
    [60, 100, 0.52],
    [95, 100, 0.9],
  ])
    expect(signTest(k, n, p)).toBeCloseTo(Math.min(1, 2 * upperTail(k, n, p)), 12);
});

/** Class 1 if the first pixel lies on the grid of 1/255. */
const gridDetector: BaseClassifier = {
  async logits(x) {
    const logits = Array.from({ length: x.shape[0] }, (_, i) => {
      const level = 255 * x.data[i];
      return [0.5, Math.abs(level - Math.round(level)) < 1e-3 ? 1 : 0];
    });
    return tensor([x.shape[0], 2], logits.flat());
  },
};

const smoothed: SmoothedClassifier = {
  network: gridDetector,
  shape: [1, 1, 1],
  classes: 2,
  noise: "normal:0.1",
  sampling: "sound",
  batch: 50,
};
const asked = { n: 100, alpha: 0.001 };

it("predictAt asks the classifier that rounds, at points off the grid too", async () => {
  const point = Float32Array.of(0.4321);
  expect((await predictAt(smoothed, point, keyOf(1), asked)).prediction).toBe(1);
  const naive = Object.assign({}, smoothed, { sampling: "naive" });
  expect((await predictAt(naive, point, keyOf(1), asked)).prediction).toBe(0);
  await expect(predict(smoothed, point, keyOf(1), asked)).rejects.toMatchObject({ code: "misfit" });
});
