import { describe, expect, it } from "vitest";
import { memoryFiles } from "../files/run/run-files.ts";
import { appendRow, bestRow, restoredRows, verdictOn } from "./validation-record.ts";

/** Rows of one check per epoch. */
const rows = (...accuracies: readonly (readonly [clean: number, robust: number])[]) =>
  accuracies.map(([clean, robust], epoch) => ({
    step: 10 * epoch,
    epoch,
    examples: 100,
    clean,
    robust,
  }));

describe("the best checkpoint", () => {
  it("has the highest accuracy under attack, then the highest clean one, then comes first", () => {
    const all = rows([0.9, 0], [0.8, 0.4], [0.85, 0.4], [0.85, 0.4], [0.7, 0.3]);
    expect(bestRow(all, {})?.step).toBe(20);
  });

  it("is never one that always answers the same class, unless all of them do", () => {
    const guessed = 0.1;
    const collapsed = rows([0.92, 0], [0.12, 0.12], [0.1, 0.1]);
    expect(bestRow(collapsed, { guessed })?.step).toBe(0);
    expect(bestRow(rows([0.1, 0.1], [0.5, 0.05]), { guessed })?.step).toBe(10);
    expect(bestRow(rows([0.1, 0.05], [0.12, 0.12]), { guessed })?.step).toBe(10);
    const common = rows([0.95, 0.3], [0.8, 0.8]);
    expect(bestRow(common, { guessed: 0.8 })?.step).toBe(0);
  });

  it("is never one whose clean accuracy has fallen too far", () => {
    const all = rows([0.9, 0], [0.88, 0.1], [0.8, 0.4]);
    expect(bestRow(all, { maxCleanLoss: 0.03 })?.step).toBe(10);
  });
});

describe("a run stops", () => {
  it("when clean accuracy stays below the limit for an epoch, and not at the limit", () => {
    const options = { maxCleanLoss: 0.1 };
    expect(verdictOn(rows([0.9, 0], [0.8, 0.2], [0.8, 0.2]), options, false)).toBeNull();
    const below = rows([0.9, 0], [0.79, 0.2], [0.78, 0.2]);
    expect(verdictOn(below, options, false)?.reason).toBe("clean-loss");
  });

  it("not at a dip of clean accuracy, while it rises, or while rate and radii grow", () => {
    const options = { maxCleanLoss: 0.1, settled: 10 };
    const dip = rows([0.9, 0], [0.7, 0.2], [0.85, 0.3], [0.7, 0.3]);
    for (const end of [2, 3, 4]) expect(verdictOn(dip.slice(0, end), options, false)).toBeNull();
    expect(bestRow(dip, options)?.step).toBe(20);
    expect(verdictOn(rows([0.9, 0], [0.7, 0.2], [0.71, 0.3]), options, false)).toBeNull();
    const falling = rows([0.9, 0], [0.7, 0.2], [0.65, 0.3], [0.6, 0.3]);
    const stopped = (settled: number) =>
      falling.findIndex((_, i) =>
        verdictOn(falling.slice(0, i + 1), { maxCleanLoss: 0.1, settled }, false),
      );
    expect([10, 11, 20, 21].map(stopped)).toEqual([2, 3, 3, -1]);
  });

  it("only after a whole epoch of low clean accuracy where an epoch has four checks", () => {
    const quarters = rows(...Array.from({ length: 7 }, () => [0.7, 0.2] as const)).map(
      (row, i) => ({ ...row, epoch: i / 4, clean: i < 2 ? 0.9 : 0.7 }),
    );
    const ends = (count: number) =>
      verdictOn(quarters.slice(0, count), { maxCleanLoss: 0.1 }, false);
    expect([3, 4, 5, 6].map(ends)).toEqual([null, null, null, null]);
    expect(ends(7)?.reason).toBe("clean-loss");
  });

  it("when the accuracy of a one-step defence under PGD falls by 20 points between two checks", () => {
    const collapse = rows([0.6, 0.2], [0.7, 0.4], [0.9, 0.2]);
    expect(verdictOn(collapse, {}, true)?.reason).toBe("overfitting");
    expect(verdictOn(collapse, {}, false)).toBeNull();
    expect(verdictOn(rows([0.6, 0.2], [0.7, 0.4], [0.7, 0.21]), {}, true)).toBeNull();
  });

  it("when two falls of a one-step defence in a row make 20 points, unless the second is a rise", () => {
    expect(verdictOn(rows([0.9, 0], [0.7, 0.4], [0.7, 0.28], [0.7, 0.15]), {}, true)).toMatchObject(
      { reason: "overfitting", message: expect.stringContaining("40.0 % to 15.0 %") },
    );
    expect(verdictOn(rows([0.9, 0], [0.7, 0.4], [0.7, 0.21], [0.7, 0.2]), {}, true)).not.toBeNull();
    const rising = rows([0.9, 0], [0.7, 0.4], [0.7, 0.21], [0.7, 0.22]);
    expect(verdictOn(rising.slice(0, 3), {}, true)).toBeNull();
    expect(verdictOn(rising, {}, true)).toBeNull();
  });

  it("not at a fall of a few images, which chance explains", () => {
    const few = (count: number) =>
      rows([0.9, 0], [0.8, 0.5], [0.8, 0.25]).map((row) => ({ ...row, examples: count }));
    expect(verdictOn(few(8), {}, true)).toBeNull();
    expect(verdictOn(few(512), {}, true)?.reason).toBe("overfitting");
    const all = rows([0.9, 0], [0.8, 0.75], [0.8, 0]).map((row) => ({ ...row, examples: 8 }));
    expect(verdictOn(all, {}, true)?.reason).toBe("overfitting");
  });

  it("not when a robust file loses accuracy at the start of its training, unless most of it is gone", () => {
    const robust = [0.8, 0.5] as const;
    expect(verdictOn(rows(robust, [0.7, 0.28]), {}, true)).toBeNull();
    expect(verdictOn(rows(robust, [0.7, 0.28], [0.7, 0.27]), {}, true)).toBeNull();
    expect(verdictOn(rows(robust, [0.7, 0.05]), {}, true)).toBeNull();
    expect(verdictOn(rows(robust, [0.7, 0.05], [0.7, 0.12]), {}, true)).toBeNull();
    expect(verdictOn(rows(robust, [0.7, 0.05], [0.9, 0.02]), {}, true)?.reason).toBe("overfitting");
  });

  it("after as many epochs without a better checkpoint as it has patience", () => {
    const all = rows([0.5, 0.1], [0.5, 0.3], [0.5, 0.2], [0.5, 0.3]);
    expect(verdictOn(all, { patience: 3 }, false)).toBeNull();
    expect(verdictOn(all, { patience: 2 }, false)?.reason).toBe("patience");
  });
});

it("a resumed run forgets the checks after its checkpoint", async () => {
  const files = memoryFiles("run");
  for (const row of rows([0.9, 0], [0.8, 0.2], [0.7, 0.3])) await appendRow(files, row);
  expect((await restoredRows(files, (step) => step <= 10)).map(({ step }) => step)).toEqual([
    0, 10,
  ]);
  expect((await restoredRows(files, () => true)).map(({ step }) => step)).toEqual([0, 10]);
});
