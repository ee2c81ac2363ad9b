import { expect, it } from "vitest";
import { rowWith } from "../../../test/fixtures/rows-fixture.ts";
import { isBroken } from "../../evaluate/survivors.ts";
import { isComplete, type RadiusRow } from "./radius-row.ts";
import { rowsOfFound, searchRows } from "./search-attack.ts";

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

it("each ball is judged by the smallest radius in its own norm", () => {
  const rows = [attacked(0, 0.1), attacked(0, 0.3), attacked(0, 0.3, { norm: "linf" })];
  const searched = [found(0, 0.4), found(0, 0.2), found(0, 0.5, { norm: "linf" })];
  expect(summary(searchRows(rows, searched))).toEqual(["0 smallest-l2@0.3 0"]);
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

it("an image that the search had no time for has no row of it", () => {
  const rows = [attacked(0, 0.5), attacked(1, 0.5), attacked(2, 0.5)];
  const clean = found(2, null, { attack: "none", found: undefined });
  expect(summary(searchRows(rows, [found(0, 0.2), found(1, null), clean]))).toEqual([
    "0 smallest-l2@0.5 0",
    "1 smallest-l2@0.5 1",
  ]);
});
