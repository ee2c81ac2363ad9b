import { expect, it } from "vitest";
import type { Progress } from "../../attacks/adaptive-search.ts";
import { uniform } from "../../math/distributions.ts";
import { keyOf, keysFor } from "../../math/random.ts";
import { UsageError } from "../../math/usage-error.ts";
import { AuditOptions } from "../options.ts";
import { convergenceOf } from "./convergence.ts";
import { timedAttacks } from "./timed-attacks.ts";

const image = (more: Partial<Progress>): Progress =>
  Object.assign(
    {
      row: 0,
      cleanMargin: -1,
      margin: -0.9,
      steps: 20,
      before: -0.9,
      searched: true,
      blind: false,
      begun: true,
      thorough: false,
    },
    more,
  );
const ball = { norm: "linf", epsilon: 0.1 };
const many = (count: number, more: Partial<Progress>) =>
  Array.from({ length: count }, () => image(more));

it("images that have far to fall stay, and AutoAttack may break few of those that have not", () => {
  const progress = [
    ...many(10, { cleanMargin: 0.5, margin: 0.5 }),
    ...many(40, { margin: 0.2 }),
    ...many(30, {}),
    ...many(20, { margin: -0.3, before: -0.3 }),
  ];
  const { attacked, right, falling, autoattack } = convergenceOf(ball, progress, 100);
  expect([attacked, right, falling]).toEqual([90, 90, 0]);
  expect(autoattack.low).toBeCloseTo(0.48, 9);
  expect(autoattack.mean).toBeCloseTo(0.496, 9);
  expect(autoattack.high).toBeCloseTo(0.502, 9);
});

it("in ℓ1 more images may break, most of all near the boundary and where the margin still falls", () => {
  const progress = [
    ...many(10, { margin: -0.05, before: -0.05 }),
    ...many(10, { margin: -0.3, before: -0.35 }),
    ...many(10, { margin: -0.3, before: -0.3 }),
    ...many(10, { margin: -0.7, before: -0.75 }),
  ];
  const { autoattack } = convergenceOf({ norm: "l1", epsilon: 3 }, progress, 40);
  expect(autoattack.mean).toBeCloseTo((40 - 2 - 1 - 0.2) / 40, 9);
  expect(autoattack.low).toBeCloseTo((40 - 5 - 2.5 - 0.7) / 40, 9);
  expect(convergenceOf(ball, progress, 40).autoattack.low).toBeCloseTo((40 - 3) / 40, 9);
  const half = [...progress, ...many(40, { margin: 0.1 })];
  expect(convergenceOf({ norm: "l1", epsilon: 3 }, half, 80).autoattack.high).toBeCloseTo(0.51, 9);
  expect(convergenceOf(ball, half, 80).autoattack.high).toBeCloseTo(0.502, 9);
});

it("in ℓ1 fewer images may break after a thorough round", () => {
  const thorough = true;
  const progress = [
    ...many(10, { margin: -0.05, before: -0.05, thorough }),
    ...many(10, { margin: -0.3, before: -0.35, thorough }),
    ...many(10, { margin: -0.3, before: -0.3, thorough }),
    ...many(10, { margin: -0.7, before: -0.75 }),
  ];
  const { autoattack } = convergenceOf({ norm: "l1", epsilon: 3 }, progress, 40);
  expect(autoattack.mean).toBeCloseTo((40 - 2.5 - 0.3 - 0.3) / 40, 9);
  expect(autoattack.low).toBeCloseTo((40 - 4 - 0.6 - 0.6) / 40, 9);
});

it("images without a step count as the others turned out, with the uncertainty of that", () => {
  const progress = [
    ...many(50, { margin: 0.1 }),
    ...many(50, {}),
    ...many(100, { steps: 0, searched: false, begun: false, margin: -1 }),
  ];
  const { attacked, right, autoattack } = convergenceOf(ball, progress, 200);
  expect([attacked, right]).toEqual([100, 200]);
  expect(autoattack.mean).toBeCloseTo(0.5, 9);
  const spread = (1.96 * Math.sqrt(0.25 * 0.02) * 100) / 200;
  expect(autoattack.low).toBeCloseTo(0.5 - spread, 9);
  expect(autoattack.high).toBeCloseTo(0.5 + spread + 0.002, 9);
});

it("a batch that the clock cut short counts with all of its images, not with those that broke so far", () => {
  const complete = [...many(64, { margin: 0.1 }), ...many(64, {})];
  const cut = { steps: 3, searched: false, begun: false };
  const partly = (broken: number) => [
    ...complete,
    ...many(broken, { ...cut, margin: 0.1 }),
    ...many(128 - broken, { ...cut, margin: -0.95 }),
  ];
  const { attacked, right, autoattack } = convergenceOf(ball, partly(40), 256);
  expect([attacked, right]).toEqual([128, 256]);
  // Half of the first batch survives. If the second one is like it, so does half of all images.
  expect(autoattack.mean).toBeCloseTo(0.5, 9);
  expect(autoattack.high).toBeGreaterThan(0.56);
  // At most 8 images of the second batch are left: they and the 64 of the first are the limit from above.
  expect(convergenceOf(ball, partly(120), 256).autoattack.high).toBeCloseTo(72 / 256 + 0.002, 9);
});

it("limits hold the truth whenever the clock stops, also where nearly no image survives", () => {
  for (const survival of [0.02, 0.5, 0.97]) {
    // Each image survives, or breaks in one of its first five steps.
    const draws = uniform(keysFor(keyOf(6), [Math.round(100 * survival)]), [1, 200 * 256]).data;
    let held = 0;
    for (let trial = 0; trial < 200; trial++) {
      const steps = 1 + (trial % 4);
      const own = Array.from(draws.subarray(256 * trial, 256 * (trial + 1)));
      const progress = own.map((draw, i) => {
        const breaksAt =
          draw < survival ? Number.POSITIVE_INFINITY : 1 + (Math.floor(5e6 * draw) % 5);
        const begun = i < 128;
        const done = begun ? 5 : steps;
        return image({
          steps: done,
          begun,
          searched: false,
          margin: breaksAt <= done ? 0.1 : -0.9,
        });
      });
      const truth = own.filter((draw) => draw < survival).length / 256;
      const { low, high } = convergenceOf(ball, progress, 256).autoattack;
      if (low <= truth && truth <= high) held++;
    }
    // At 95 % each, 182 or fewer of 200 happen once in 100 seeds.
    expect(held).toBeGreaterThan(182);
  }
});

it("images that were not attacked fall like the survivors of those that were", () => {
  const progress = [...many(100, { margin: -0.3, before: -0.3 }), ...many(100, { begun: false })];
  const { mean, low } = convergenceOf(ball, progress, 200).autoattack;
  expect(mean).toBeCloseTo(0.98, 9);
  expect(low).toBeLessThan(0.9);
});

it("nothing is known before the first steps, or where ascents found no slope and random search has not run", () => {
  const untouched = convergenceOf(
    ball,
    many(10, { steps: 0, searched: false, begun: false, margin: -1 }),
    10,
  );
  expect([untouched.autoattack.low, untouched.autoattack.high]).toEqual([0, 1]);
  const flat = convergenceOf(ball, many(10, { searched: false, margin: -0.99 }), 10);
  expect([flat.autoattack.low, flat.autoattack.high]).toEqual([0, 1]);
});

it("a margin falls if it lost a hundredth in the last tenth of the steps; proven images stand", () => {
  const progress = [
    image({ before: -0.95, margin: -0.9 }),
    image({ before: -0.905, margin: -0.9 }),
  ];
  expect(convergenceOf(ball, progress, 2).falling).toBe(0.5);
  expect(convergenceOf(ball, progress, 4).autoattack.low).toBe(1);
});

const minutes = AuditOptions.parse({ minutes: 1, norms: ["linf", "l1"], epsilonL1: [1, 2] });
const request = { images: 10, noise: null, shared: false };

it("balls share out the time, and the clock starts with the first attack", async () => {
  let now = 1e6;
  const timed = timedAttacks(minutes, request, () => now);
  expect(Array.from(timed?.attacks.keys() ?? [])).toEqual(["adaptive-linf", "adaptive-l1"]);
  expect(timed?.attacks.get("adaptive-l1")?.map(({ epsilon }) => epsilon)).toEqual([1, 2]);
  now = 2e6;
  expect(timed?.convergence).toEqual([]);
  expect(timedAttacks(AuditOptions.parse({}), request)).toBeNull();
});

it.each([
  [{ budget: "quick" }, {}, "both set the length"],
  [{}, { noise: "normal:0.1" }, "attacks deterministic models"],
  [{}, { shared: true }, "in one process"],
])("%o with %o is refused", (options, more, message) => {
  const attempt = () =>
    timedAttacks(Object.assign({}, minutes, options), Object.assign({}, request, more));
  expect(attempt).toThrow(UsageError);
  expect(attempt).toThrow(message);
});
