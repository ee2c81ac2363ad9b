import { describe, expect, it } from "vitest";
import { brightness, brightnessData } from "../../test/fixtures/brightness.ts";
import { rowWith } from "../../test/fixtures/rows-fixture.ts";
import { evaluate } from "./evaluate.ts";
import type { EvaluatedModel } from "./evaluated-model.ts";
import { EvaluateOptions, resolved } from "./options.ts";
import type { Row } from "./row.ts";
import { rowName, runsOf } from "./runs.ts";
import { summarize } from "./summary.ts";
import { brokenName, isBroken, skippedRuns, withSkipped } from "./survivors.ts";

const data = await brightnessData();
const evaluated: EvaluatedModel = { model: "m", defense: "d", network: brightness, noise: null };
const options = EvaluateOptions.parse({
  attacks: ["fgsm-linf", "fgsm-l2", "pgd-linf", "apgd-ce-linf"],
  onlyStanding: true,
  epsilonLinf: [0.05, 0.15],
  epsilonL2: [0.1],
  apgdSteps: 5,
  batch: 5,
});

async function rowsOf(more: object, before: readonly Row[] = [], from = evaluated): Promise<Row[]> {
  const rows: Row[] = [];
  const [finished, broken] = [
    new Set(before.map(rowName)),
    new Set(before.filter(isBroken).map(brokenName)),
  ];
  for await (const { row } of evaluate(from, data, { ...options, ...more }, finished, broken))
    rows.push({ ...row, seconds: 0, queries: 0 });
  return rows;
}

describe("an evaluation of what is left standing", () => {
  it("has no row after the one that broke its example at that norm and radius, and no other is missing", async () => {
    const [whole, rows] = [await rowsOf({ onlyStanding: false }), await rowsOf({})];
    const expected = whole.filter(
      (row) =>
        !whole
          .slice(0, whole.indexOf(row))
          .some((before) => isBroken(before) && brokenName(before) === brokenName(row)),
    );
    expect(rows).toEqual(expected);
    expect(rows.length).toBeLessThan(whole.length);
    const runs = runsOf(resolved(options), false);
    const done = rows.reduce((sum, row) => sum + 1 + skippedRuns(row, runs), 0);
    expect(done).toBe(whole.length);
  });

  it("goes on to the same rows, wherever it was cut off", async () => {
    const whole = await rowsOf({});
    for (const kept of [1, 7, 20, whole.length]) {
      const before = whole.slice(0, kept);
      const all = [...before, ...(await rowsOf({}, before))];
      const sorted = (rows: readonly Row[]) => rows.map(rowName).sort();
      expect(sorted(all)).toEqual(sorted(whole));
    }
  });

  it("has the same union as one that spares nothing", async () => {
    const [whole, rows] = [await rowsOf({ onlyStanding: false }), await rowsOf({})];
    const unions = (summary: ReturnType<typeof summarize>) =>
      summary.unions.map(({ union, examples }) => [union, examples]);
    expect(unions(summarize(rows, { onlyStanding: true }))).toEqual(unions(summarize(whole)));
  });

  it("spares nothing of a randomised model", async () => {
    const noise = {
      name: "none:0",
      sample: (keys: readonly unknown[], shape: readonly number[]) => ({
        dtype: "float32" as const,
        shape: [keys.length, ...shape.slice(1)],
        data: new Float32Array(4 * keys.length),
      }),
    };
    const few = { attacks: ["fgsm-linf", "pgd-linf"], draws: 4, eot: [1], steps: 2, examples: 4 };
    expect(
      await rowsOf({ ...few, objective: "mean-loss" }, [], { ...evaluated, noise }),
    ).toHaveLength(4 * 2 * 2);
  });
});

describe("rows of what is left standing", () => {
  it("count for later attacks as broken", () => {
    const later = { attack: "square-linf", correct: 1, correctChoose: 1 };
    const rows = [
      rowWith({ index: 0, correct: 0, correctChoose: 0 }),
      rowWith({ index: 1, correct: 1, correctChoose: 1 }),
      rowWith({ index: 1, ...later }),
    ];
    expect(withSkipped(rows)).toEqual([
      ...rows,
      { ...rows[0], attack: "square-linf", queries: 0, seconds: 0 },
    ]);
  });

  it("leave what they broke at 8 bits broken under the attacks after them", () => {
    const of = (attack: string, index: number, correct8bit: number) =>
      rowWith({ attack, index, correct: 1, correctChoose: 1, majority: 1, correct8bit });
    const [first, second] = ["pgd-linf", "square-linf"];
    const rows = [of(first, 0, 0), of(first, 1, 1), of(second, 0, 1), of(second, 1, 1)];
    const shares = summarize(rows, { onlyStanding: true }).attacks.map(
      (one) => one.accuracy8bit.mean,
    );
    expect(shares).toEqual([0.5, 0.5]);
  });
});
