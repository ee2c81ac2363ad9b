import { describe, expect, it } from "vitest";
import { type Climb, halving, sparsifying } from "./apgd-schedule.ts";

const climb = (more: Partial<Climb>): Climb => {
  const zeros = new Float32Array(10);
  const best = { point: Float32Array.of(1), gradient: Float32Array.of(2), loss: 5, margin: 0 };
  return {
    x: zeros,
    epsilon: 1,
    point: zeros,
    previous: zeros,
    gradient: zeros,
    loss: 3,
    best,
    stepSize: 2,
    rises: 0,
    bestBefore: 4,
    halved: true,
    share: 1,
    support: 10,
    ...more,
  };
};

describe("APGD's schedule in ℓ∞ and ℓ2", () => {
  it("looks back where the paper has it: after 22, 41, 57, 70, 80, 87, 93 and 99 of 100 steps", () => {
    expect(halving.checkpoints(100)).toEqual([22, 41, 57, 70, 80, 87, 93, 99]);
    expect(halving.checkpoints(20)).toEqual([5, 9, 12, 14, 16, 18, 19, 20]);
    expect(halving.checkpoints(1)).toEqual([1]);
  });

  it.each([
    ["at most three quarters of the steps raised the loss", { rises: 15 }, true],
    ["more of them did", { rises: 16 }, false],
    [
      "the best loss has not changed since a step size that was kept",
      { rises: 20, bestBefore: 5, halved: false },
      true,
    ],
    [
      "it has not changed, but the step was halved just before",
      { rises: 20, bestBefore: 5, halved: true },
      false,
    ],
    ["it has changed", { rises: 20, bestBefore: 4.9, halved: false }, false],
  ])("halves the step and returns to the best point, or not, where %s", (_, state, halves) => {
    const c = climb(state);
    halving.lookBack(c, 20, 2);
    expect([c.halved, c.stepSize]).toEqual([halves, halves ? 1 : 2]);
    expect([c.point === c.best.point, c.gradient === c.best.gradient]).toEqual([halves, halves]);
    expect([c.rises, c.bestBefore]).toEqual([0, 5]);
  });
});

describe("APGD's schedule in ℓ1", () => {
  const differing = (count: number) =>
    Float32Array.from({ length: 10 }, (_, i) => (i < count ? 1 : 0));
  const best = (count: number) => ({ ...climb({}).best, point: differing(count) });

  it("looks back after every 4 % of the steps", () => {
    expect(sparsifying.checkpoints(100)).toEqual([...Array(25).keys()].map((i) => 4 * (i + 1)));
    expect(sparsifying.checkpoints(3)).toEqual([1, 2, 3]);
  });

  it("takes full steps again from the best point once that is sparser, else shorter ones, down to a tenth", () => {
    const sparser = climb({ best: best(6), stepSize: 0.5 });
    sparsifying.lookBack(sparser, 4, 1);
    expect([sparser.stepSize, sparser.support, sparser.point]).toEqual([1, 6, differing(6)]);
    expect(sparser.share).toBeCloseTo(0.4, 12);
    const same = climb({ best: best(10), stepSize: 0.6 });
    sparsifying.lookBack(same, 4, 1);
    expect(same.stepSize).toBeCloseTo(0.4, 12);
    expect(same.point).not.toBe(same.best.point);
    const short = climb({ best: best(10), stepSize: 0.12 });
    sparsifying.lookBack(short, 4, 1);
    expect(short.stepSize).toBe(0.1);
  });
});
