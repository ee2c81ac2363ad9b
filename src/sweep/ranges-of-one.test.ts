import { expect, it } from "vitest";
import type { Cell } from "./cell.ts";
import { rangesOfOne } from "./ranges-of-one.ts";

const target = { device: "cpu", threads: 1, lowering: "plain", engine: "ort 1" };
const cell = (key: string, kind: string, [from, to]: readonly number[], more: object = {}): Cell =>
  ({
    key,
    work: Object.assign(
      { kind, model: { cell: "m" }, options: { examples: to }, range: { from, to }, code: "1" },
      { target },
      more,
    ),
  }) as unknown as Cell;
const keysOf = (cells: readonly Cell[]) =>
  rangesOfOne(cells).map((group) => group.map(({ key }) => key));

it("ranges of one evaluation are in the order of their images, and no image counts twice", () => {
  const cells = [
    cell("c", "evaluate", [8, 16]),
    cell("short", "evaluate", [0, 4]),
    cell("a", "evaluate", [0, 8]),
    cell("across", "evaluate", [4, 12]),
  ];
  expect(keysOf(cells)).toEqual([["a", "c"]]);
});

it("other options, kinds, models, runtimes and versions are other evaluations", () => {
  const range = [0, 8];
  const cells = [
    cell("a", "evaluate", range),
    cell("b", "certify", range),
    cell("c", "evaluate", range, { options: { examples: 8, steps: 3 } }),
    cell("d", "evaluate", range, { model: { cell: "n" } }),
    cell("e", "evaluate", range, { target: Object.assign({}, target, { threads: 2 }) }),
    cell("f", "evaluate", range, { code: "2" }),
  ];
  expect(keysOf(cells)).toEqual([["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]);
});

it.each(["train", "harden", "audit"])("each cell of %s has a separate line", (kind) => {
  expect(keysOf([cell("a", kind, [0, 4]), cell("b", kind, [0, 8])])).toEqual([["a"], ["b"]]);
});
