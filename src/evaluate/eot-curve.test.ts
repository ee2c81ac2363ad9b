import { expect, it } from "vitest";
import { eotCurves } from "./eot-curve.ts";
import type { Row } from "./row.ts";

/** Rows of one attack: per number of draws the share of each example that was right. */
const sweep = (shares: Readonly<Record<number, readonly number[]>>, attack = "pgd-linf"): Row[] =>
  Object.entries(shares).flatMap(([eot, correct]) =>
    correct.map(
      (share, index) =>
        ({
          attack,
          norm: "linf",
          epsilon: 0.1,
          eot: Number(eot),
          index,
          draws: 20,
          rule: "single",
          correct: share,
        }) as Row,
    ),
  );
const settled = (shares: Readonly<Record<number, readonly number[]>>) =>
  eotCurves(sweep(shares))[0].settled;

it("a curve goes up in draws, whatever the order of rows", () => {
  const rows = sweep({ 16: [0.25, 0.75], 1: [1, 0.5], 4: [0.5, 0.5] }).reverse();
  const [{ points, attack, epsilon }] = eotCurves(rows);
  expect([attack, epsilon]).toEqual(["pgd-linf", 0.1]);
  expect(points.map(({ eot, accuracy, examples }) => [eot, accuracy.mean, examples])).toEqual([
    [1, 0.75, 2],
    [4, 0.5, 2],
    [16, 0.5, 2],
  ]);
});

it("there is none for an attack with one number of draws", () => {
  expect(eotCurves(sweep({ 16: [1, 0] }))).toEqual([]);
});

it("settles at the first K whose next one changes accuracy by less than the paired standard error", () => {
  // 1 → 4: −0.1 on every example, without error. 4 → 16: up and down, 0 in the mean.
  const four = [0.9, 0.8, 0.7, 0.6];
  const one = four.map((share) => share + 0.1);
  const sixteen = [1, 0.6, 0.9, 0.5];
  expect(settled({ 1: one, 4: four, 16: sixteen })).toBe(4);
});

it("takes the error of differences per example, not that of two independent accuracies", () => {
  // Examples differ widely, the change hardly: −0.05 ± 0.01 is far outside its own error, far inside theirs.
  const one = [0.1, 0.9, 0.2, 0.95, 0.5, 0.3];
  const two = one.map((share, i) => share - 0.05 + (i % 2 === 0 ? 0.01 : -0.01));
  expect(settled({ 1: one, 2: two })).toBeNull();
});

it("settles where nothing changes at all, and not at the last K", () => {
  expect(settled({ 1: [1, 0, 1], 2: [1, 0, 1] })).toBe(1);
  expect(settled({ 1: [1, 1, 1], 2: [0.5, 0.5, 0.5] })).toBeNull();
});

it("does not settle by the flip of one example: that is one standard error, not less", () => {
  for (const n of [3, 7, 10, 49]) {
    const one = Array<number>(n).fill(1);
    expect(settled({ 1: one, 2: [0, ...one.slice(1)] })).toBeNull();
  }
});

it("compares examples that both have tried, and says nothing of a single one", () => {
  expect(settled({ 1: [1, 1, 0.2, 0.9], 2: [0.5] })).toBeNull();
  expect(settled({ 1: [0.5, 0.6, 0, 0], 2: [0.6, 0.5] })).toBe(1);
});
