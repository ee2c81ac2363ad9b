import { describe, expect, it } from "vitest";
import { brightness, brightnessData } from "../../test/fixtures/brightness.ts";
import { rowWith } from "../../test/fixtures/rows-fixture.ts";
import { scoreAttacks } from "./evaluate.ts";
import type { EvaluatedModel } from "./evaluated-model.ts";
import { EvaluateOptions, resolved } from "./options.ts";
import type { Row } from "./row.ts";
import { rowName, runsOf } from "./runs.ts";
import { summarize } from "./summary.ts";
import { brokenBy, brokenName, CountedRows, isBroken, withSkipped } from "./survivors.ts";

const data = await brightnessData();
const evaluated: EvaluatedModel = { model: "m", defense: "d", network: brightness, noise: null };
const options = EvaluateOptions.parse({
  attacks: ["fgsm-linf", "fgsm-l2", "pgd-linf", "apgd-ce-linf"],
  skipBroken: true,
  epsilonLinf: [0.05, 0.15],
  epsilonL2: [0.1],
  apgdSteps: 5,
  batch: 5,
});

async function rowsOf(more: object, before: readonly Row[] = [], from = evaluated): Promise<Row[]> {
  const rows: Row[] = [];
  const runs = runsOf(resolved({ ...options, ...more }), { randomised: from.noise !== null });
  const [finished, broken] = [new Set(before.map(rowName)), brokenBy(before, runs)];
  for await (const { row } of scoreAttacks(from, data, { ...options, ...more }, finished, broken))
    rows.push({ ...row, seconds: 0, queries: 0 });
  return rows;
}

describe("an evaluation that skips broken examples", () => {
  it("has no row of an example after the one that broke it in that norm and radius, and all other rows", async () => {
    const [whole, rows] = [await rowsOf({ skipBroken: false }), await rowsOf({})];
    const expected = whole.filter(
      (row) =>
        !whole
          .slice(0, whole.indexOf(row))
          .some((before) => isBroken(before) && brokenName(before) === brokenName(row)),
    );
    expect(rows).toEqual(expected);
    expect(rows.length).toBeLessThan(whole.length);
    const runs = runsOf(resolved(options), { randomised: false });
    const count = new CountedRows(runs, true);
    expect(rows.map((row) => count.add(row)).at(-1)).toBe(whole.length);
  });

  it("resumes to the same rows, wherever it was cut off", async () => {
    const whole = await rowsOf({});
    for (const kept of [1, 7, 20, whole.length]) {
      const before = whole.slice(0, kept);
      const all = [...before, ...(await rowsOf({}, before))];
      const sorted = (rows: readonly Row[]) => rows.map(rowName).sort();
      expect(sorted(all)).toEqual(sorted(whole));
    }
  });

  it("resumes to the same rows if any one of them is lost, and counts all of them", async () => {
    // One step of PGD is a fifth of the radius, so FGSM breaks examples that survive it.
    const weak = { attacks: ["pgd-linf", "fgsm-linf", "apgd-ce-linf"], steps: 1 };
    const [whole, all] = [await rowsOf(weak), await rowsOf({ ...weak, skipBroken: false })];
    expect(whole.some((row) => row.attack === "fgsm-linf" && isBroken(row))).toBe(true);
    const runs = runsOf(resolved({ ...options, ...weak }), { randomised: false });
    const sorted = (rows: readonly Row[]) => rows.map(rowName).sort();
    for (const lost of whole) {
      const before = whole.filter((row) => row !== lost);
      const after = [...before, ...(await rowsOf(weak, before))];
      expect(sorted(after)).toEqual(sorted(whole));
      const count = new CountedRows(runs, true);
      expect(after.map((row) => count.add(row)).at(-1)).toBe(all.length);
    }
  });

  it("counts a row once that is repeated for a lost one and breaks its example earlier", async () => {
    const runs = runsOf(resolved(options), { randomised: false });
    const ball = { norm: "linf", epsilon: 0.05, eot: 1, draws: 1 };
    const rows = [
      rowWith({ ...ball, attack: "apgd-ce-linf", correct: 0 }),
      rowWith({ ...ball, attack: "fgsm-linf", correct: 0 }),
    ];
    const count = new CountedRows(runs, true);
    // fgsm-linf, pgd-linf and apgd-ce-linf in this ball.
    expect(rows.map((row) => count.add(row))).toEqual([1, 3]);
    expect(brokenBy(rows, runs)).toEqual(new Map([["0 linf 0.05", 0]]));
  });

  it("has the same union as one that skips nothing", async () => {
    const [whole, rows] = [await rowsOf({ skipBroken: false }), await rowsOf({})];
    const unions = (summary: ReturnType<typeof summarize>) =>
      summary.unions.map(({ union, examples }) => [union, examples]);
    expect(unions(summarize(rows, { skipBroken: true }))).toEqual(unions(summarize(whole)));
  });

  it("skips nothing of a randomised model", async () => {
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

describe("rows of survivors", () => {
  it("count broken examples as broken under later attacks", () => {
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

  it("keep an example that is broken at 8 bits broken under later attacks", () => {
    const of = (attack: string, index: number, correct8bit: number) =>
      rowWith({ attack, index, correct: 1, correctChoose: 1, majority: 1, correct8bit });
    const [first, second] = ["pgd-linf", "square-linf"];
    const rows = [of(first, 0, 0), of(first, 1, 1), of(second, 0, 1), of(second, 1, 1)];
    const shares = summarize(rows, { skipBroken: true }).attacks.map(
      (one) => one.accuracy8bit.mean,
    );
    expect(shares).toEqual([0.5, 0.5]);
  });
});
