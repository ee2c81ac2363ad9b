import { describe, expect, it } from "vitest";
import { rowWith } from "../../../test/fixtures/rows-fixture.ts";
import { isBroken } from "../../evaluate/survivors.ts";
import { outcomesOf } from "../../report/outcomes.ts";
import { isComplete, type RadiusRow } from "./radius-row.ts";
import {
  isFromOtherBall,
  isUnsearched,
  otherBallRows,
  rowsInBalls,
  rowsOfFound,
  searchRows,
} from "./search-attack.ts";

const right = { norm: "l2", clean: 1, correct: 1, correctChoose: 1, majority: 1, draws: 1 };
const attacked = (index: number, epsilon: number, more: object = {}) =>
  rowWith(Object.assign({ index, epsilon, attack: "pgd-l2" }, right, more));
const seen = { prediction: 7, linf: 0.01, l2: 0.2, l1: 2.5, correct8bit: 1 };
const found = (index: number, radius: number | null, more: object = {}): RadiusRow =>
  Object.assign(
    { index, label: 0, norm: "l2" as const, attack: "fmn-l2", epsilon: null, radius, found: seen },
    more,
  );
const summary = (rows: ReturnType<typeof searchRows>) =>
  rows.map((row) => `${row.index} ${row.attack}@${row.epsilon} ${row.correct}`);

it("an image that attacks left right is broken by a search that found it in their ball, edge included", () => {
  const rows = [attacked(0, 0.5), attacked(1, 0.5), attacked(2, 0.5)];
  const searched = [found(0, 0.5), found(1, 0.51), found(2, null)];
  expect(summary(searchRows(rows, searched))).toEqual([
    "0 smallest-l2@0.5 0",
    "1 smallest-l2@0.5 1",
    "2 smallest-l2@0.5 1",
  ]);
});

it("an image that an attack broke, or that is wrong when clean, has no row of the search", () => {
  const broken = { correct: 0, correctChoose: 0, majority: 0 };
  const rows = [
    attacked(0, 0.5, broken),
    attacked(1, 0.5, { clean: 0 }),
    attacked(2, 0.5),
    attacked(0, 0.5, { attack: "square-l2" }),
  ];
  const searched = [found(0, 0.1), found(1, 0), found(2, 0.2)];
  expect(summary(searchRows(rows, searched))).toEqual(["2 smallest-l2@0.5 0"]);
});

it("each ball is judged by the smallest length in its norm, whatever the norm of the search", () => {
  const rows = [
    attacked(0, 0.1),
    attacked(0, 0.3),
    attacked(0, 0.004, { norm: "linf" }),
    attacked(0, 0.01, { norm: "linf" }),
    attacked(0, 3, { norm: "l0" }),
  ];
  const searched = [found(0, 0.4), found(0, 0.2), found(0, 0.5, { norm: "linf" })];
  const broken = searchRows(rows, searched);
  expect(summary(broken)).toEqual(["0 smallest-l2@0.3 0", "0 smallest-linf@0.01 0"]);
  expect(broken[1]).toMatchObject({ norm: "linf", objective: "fmn-l2", adversarialPrediction: 7 });
});

describe("an image that an attack broke", () => {
  const broken = { correct: 0, correctChoose: 0, majority: 0, adversarialPrediction: 7 };
  const lengths = { linf: 0.01, l2: 0.2, l1: 2.5, correct8bit: 1 };
  const linf = { norm: "linf", attack: "pgd-linf" };
  const at = (epsilon: number, more: object) => attacked(0, epsilon, more);
  const byL2 = at(0.5, Object.assign({}, broken, lengths));

  it("is broken in every ball of the audit that holds it, edge included", () => {
    const rows = [
      byL2,
      at(0.2, {}),
      at(0.19, {}),
      at(0.01, linf),
      at(0.009, linf),
      at(2.5, { norm: "l1", attack: "pgd-l1" }),
      // No attack in ℓ0 says how many pixels it changes.
      at(16, { norm: "l0", attack: "sigma-zero-l0" }),
    ];
    expect(summary(otherBallRows(rows))).toEqual([
      "0 other-balls-l2@0.2 0",
      "0 other-balls-linf@0.01 0",
      "0 other-balls-l1@2.5 0",
    ]);
  });

  it("keeps its class and its lengths, names its attack, and costs nothing", () => {
    const [row] = otherBallRows([byL2, at(0.01, linf)]);
    expect(row).toMatchObject(
      Object.assign({ objective: "pgd-l2", queries: 0, seconds: 0, steps: 0 }, broken, lengths),
    );
    expect(isFromOtherBall(row)).toBe(true);
    // One that stays broken after rounding to 8 bits is preferred.
    const rounded = at(0.7, Object.assign({}, broken, lengths, { correct8bit: 0 }));
    expect(otherBallRows([byL2, rounded, at(0.01, linf)])[0].correct8bit).toBe(0);
  });

  it("leaves rows of the images that stay right beside it, and none of those that broke there", () => {
    const others = [1, 2, 3].map((index) => attacked(index, 0.01, linf));
    const wrong = attacked(4, 0.01, Object.assign({ clean: 0 }, linf, broken));
    const fell = Object.assign({}, others[2], broken);
    const rows = [byL2, at(0.01, linf), others[0], others[1], fell, wrong];
    expect(summary(otherBallRows(rows))).toEqual([
      "0 other-balls-linf@0.01 0",
      "1 other-balls-linf@0.01 1",
      "2 other-balls-linf@0.01 1",
    ]);
  });

  it("in ℓ0 counts with the length of its change in other norms", () => {
    const byL0 = at(
      2,
      Object.assign({ norm: "l0", attack: "sigma-zero-l0", l0: 1 }, broken, lengths),
    );
    const rows = [byL0, at(1, { norm: "l0", attack: "sigma-zero-l0" }), at(0.01, linf)];
    expect(summary(otherBallRows(rows))).toEqual([
      "0 other-balls-l0@1 0",
      "0 other-balls-linf@0.01 0",
    ]);
  });

  it("is searched no more in the balls that hold it", () => {
    const rows = [byL2, at(0.01, linf), attacked(1, 0.01, linf)];
    const searched = [found(0, 0.2), found(1, 0.2)];
    expect(summary(rowsInBalls(rows, searched))).toEqual([
      "0 other-balls-linf@0.01 0",
      "1 other-balls-linf@0.01 1",
      "1 smallest-linf@0.01 0",
    ]);
  });

  it("says nothing about balls where draws decide, or where it was wrong when clean", () => {
    const draws = { draws: 100 };
    expect(
      otherBallRows([at(0.5, Object.assign({}, broken, lengths, draws)), at(0.01, linf)]),
    ).toEqual([]);
    const clean = { clean: 0 };
    expect(
      otherBallRows([at(0.5, Object.assign({}, broken, lengths, clean)), at(0.01, linf)]),
    ).toEqual([]);
  });
});

it("balls in which a search breaks nothing more have no rows", () => {
  expect(searchRows([attacked(0, 0.1)], [found(0, 0.2), found(1, 0.05)])).toEqual([]);
  expect(searchRows([attacked(0, 0.5, { draws: 100 })], [found(0, 0.2)])).toEqual([]);
});

it("what a search found keeps its class, its lengths and whether it survives rounding to 8 bits", () => {
  const [row] = rowsOfFound([attacked(4, 0.1)], [found(4, 0.2), found(5, 0.1)]);
  expect(row).toMatchObject({
    index: 4,
    attack: "smallest-l2",
    objective: "fmn-l2",
    epsilon: 0.2,
    adversarialPrediction: 7,
    linf: 0.01,
    l2: 0.2,
    l1: 2.5,
    correct8bit: 1,
    queries: 0,
  });
  expect(isBroken(row)).toBe(true);
});

it("a row of an earlier version, which does not state the image, says nothing about balls", () => {
  const older = [found(4, 0.05, { found: undefined })];
  expect(rowsOfFound([attacked(4, 0.1)], older)).toEqual([]);
  expect(searchRows([attacked(4, 0.1)], older)).toEqual([]);
  expect(older.map(isComplete)).toEqual([false]);
});

it("an image that the search had no time for was not tried, and counts as the attacks left it", () => {
  const rows = [attacked(0, 0.5), attacked(1, 0.5), attacked(2, 0.5)];
  const clean = found(2, null, { attack: "none", found: undefined });
  const searched = searchRows(rows, [found(0, 0.2), found(1, null), clean]);
  expect(summary(searched)).toEqual([
    "0 smallest-l2@0.5 0",
    "1 smallest-l2@0.5 1",
    "2 smallest-l2@0.5 1",
  ]);
  expect(searched.map(isUnsearched)).toEqual([false, false, true]);
  // Without its row, unions would leave it out.
  expect(outcomesOf([...rows, ...searched]).balls[0].worst.size).toBe(3);
});
