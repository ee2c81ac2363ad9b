import { expect, it } from "vitest";
import type { Cell } from "./cell.ts";
import { compareFingerprints } from "./fingerprints.ts";

const target = { device: "cpu", threads: 1, lowering: "plain", engine: "ort 1" };
const cell = (key: string, more: object): Cell =>
  ({
    key,
    work: Object.assign(
      { kind: "evaluate", options: {}, data: null, model: null, code: "1", target },
      more,
    ),
  }) as unknown as Cell;
const row = (accuracy: number) => ({ kind: "attack", attack: "pgd-linf", accuracy });

it("lines of one runtime have no label", () => {
  const one = cell("a", {});
  expect(compareFingerprints([{ cell: one, rows: [row(0.5)] }], [one], 0.01)).toEqual([row(0.5)]);
});

it("the same work of another runtime or code is compared with a tolerance, through its training", () => {
  const blocked = Object.assign({}, target, { lowering: "blocked-16" });
  const cells = [
    cell("t1", { kind: "train" }),
    cell("t2", { kind: "train", target: blocked }),
    cell("a", { model: { cell: "t1" } }),
    cell("b", { model: { cell: "t2" }, target: blocked }),
    cell("c", { model: { cell: "t1" }, code: "2" }),
    cell("d", { model: { cell: "t1" }, code: "2", options: { steps: 3 } }),
    cell("e", { model: { cell: "t1" }, code: "3" }),
  ];
  const accuracies = [0.5, 0.505, 0.6, 0.1, 0.5];
  const groups = cells.slice(2).map((one, i) => ({ cell: one, rows: [row(accuracies[i])] }));
  const lines = compareFingerprints(groups, cells, 0.01);
  expect(lines.map(({ agrees }) => agrees)).toEqual([
    "",
    "within the tolerance: 0.0050",
    "differs: 0.1000",
    "",
    "equal",
  ]);
  expect(lines[1].runtime).toBe("ort 1 blocked-16 cpu, 1 thread, code 1");
});
