import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { brightness, brightnessData } from "../../test/fixtures/brightness.ts";
import type { Victim } from "../attacks/victim.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { noiseNamed } from "../noise/table.ts";
import { scoreAttacks } from "./evaluate.ts";
import { EvaluateOptions } from "./options.ts";
import { readRows } from "./resumed.ts";
import type { Row } from "./row.ts";
import { ruleNamed } from "./rule.ts";
import { rowName } from "./runs.ts";
import { decisions } from "./score.ts";
import { differences, type Settings } from "./settings.ts";

const data = await brightnessData();
const take = data.test.images;

const evaluated = (noise: string | null) => ({
  model: "brightness",
  defense: "standard",
  network: brightness,
  noise: noise === null ? null : noiseNamed(noise),
});

async function rowsOf(
  options: Partial<EvaluateOptions>,
  noise: string | null = null,
  finished?: ReadonlySet<string>,
): Promise<Row[]> {
  const rows: Row[] = [];
  const resolved = EvaluateOptions.parse({
    draws: 20,
    eot: [4],
    objective: "mean-loss",
    ...options,
  });
  for await (const { row } of scoreAttacks(evaluated(noise), data, resolved, finished))
    rows.push(row);
  return rows;
}

const plain = ({ seconds: _, ...row }: Row) => row;

async function rangeRows(from: number, to: number, noise: string | null): Promise<Row[]> {
  const options = EvaluateOptions.parse({
    attacks: ["none", "pgd-linf", "fgsm-l2"],
    epsilonLinf: [0.1, 0.2],
    draws: 20,
    eot: [4],
    batch: 4,
    skipBroken: noise === null,
  });
  const rows: Row[] = [];
  const run = scoreAttacks(
    evaluated(noise),
    data,
    options,
    undefined,
    undefined,
    undefined,
    undefined,
    { from, to },
  );
  for await (const { row } of run) rows.push(row);
  return rows;
}

describe("scoreAttacks", () => {
  it.each([
    [null, 16],
    ["normal:0.1", 1],
  ])("gives the same rows range by range, of a classifier with noise %s", async (noise, group) => {
    const whole = await rangeRows(0, 40, noise);
    const parts: Row[] = [];
    for (const [from, to] of [
      [0, group],
      [group, 2 * group],
      [2 * group, 40],
    ])
      parts.push(...(await rangeRows(from, to, noise)));
    expect(parts.map(plain)).toEqual(whole.map(plain));
  });

  it("breaks exactly the examples whose margin is inside the ball", async () => {
    const rows = await rowsOf({ attacks: ["pgd-linf"], epsilonLinf: [0.1] });
    for (const row of rows) {
      const mean = take([row.index]).data.reduce((sum, v) => sum + v, 0) / 4;
      expect(row.clean).toBe(1);
      expect(row.correct, `margin ${Math.abs(mean - 0.5)}`).toBe(
        Math.abs(mean - 0.5) > 0.1 ? 1 : 0,
      );
      expect(row.correctChoose).toBe(row.correct);
      expect(row.linf).toBeLessThanOrEqual(0.1);
    }
    expect(new Set(rows.map(({ correct }) => correct)).size).toBe(2);
  });

  it("writes one row per example, attack and radius, with everything that names it", async () => {
    const rows = await rowsOf({ examples: 3, epsilonLinf: [0.01, 0.02], epsilonL2: [0.1] });
    expect(rows).toHaveLength(9);
    expect(new Set(rows.map(rowName)).size).toBe(9);
    const expected = { model: "brightness", defense: "standard", data: "toy", protocol: "sound" };
    expect(rows[0]).toMatchObject({
      ...expected,
      objective: "ce",
      eot: 1,
      draws: 1,
      rule: "single",
    });
  });

  it("scores a randomised model on shares of fresh draws, half of them to choose", async () => {
    const rows = await rowsOf(
      { attacks: ["pgd-linf", "none"], epsilonLinf: [0.05] },
      "uniform:0.6",
    );
    for (const row of rows) {
      expect(row.draws).toBe(20);
      expect(row.correct * 10).toBeCloseTo(Math.round(row.correct * 10));
      expect(row.clean * 20).toBeCloseTo(Math.round(row.clean * 20));
    }
    expect(rows.some(({ correct }) => correct > 0 && correct < 1)).toBe(true);
    const natural = rows.filter(({ attack }) => attack === "none");
    for (const row of natural) expect((row.correct + row.correctChoose) / 2).toBeCloseTo(row.clean);
    expect(rows[0].objective).toBe("mean-loss");
    expect(rows[0].eot).toBe(4);
  });

  it("counts every draw of every step as queries", async () => {
    const [row] = await rowsOf({ attacks: ["pgd-linf"], steps: 3, examples: 1 }, "uniform:0.2");
    // 3 steps × 4 draws, forward and backward; scoring is not the attack's cost.
    expect(row.queries).toBe(3 * 4 * 2);
  });

  it("scores on draws that no attack has seen, each attack on its own", async () => {
    const seen: Record<"attacking" | "scoring", string[]> = { attacking: [], scoring: [] };
    const network: Victim = {
      logits(x, keys) {
        seen.scoring.push(...keys.map(String));
        return brightness.logits(x, keys);
      },
      lossAndGradient(x, loss, keys) {
        seen.attacking.push(...keys.map(String));
        return brightness.lossAndGradient(x, loss, keys);
      },
    };
    const options = EvaluateOptions.parse({
      draws: 20,
      eot: [4],
      steps: 3,
      examples: 5,
      objective: "mean-loss",
    });
    for await (const _ of scoreAttacks({ ...evaluated("uniform:0.2"), network }, data, options));
    const attacking = new Set(seen.attacking);
    expect(attacking.size).toBe(5 * 2 * 3 * 4);
    expect(seen.attacking).toHaveLength(attacking.size);
    // 20 draws of each clean image, and of each attack's result; the same ones judge it rounded.
    const scoring = new Set(seen.scoring);
    expect(scoring.size).toBe(5 * (20 + 2 * 20));
    expect(seen.scoring.filter((key) => attacking.has(key))).toEqual([]);
  });

  it("gives the same rows whatever the batch", async () => {
    const of = async (batch: number) =>
      (await rowsOf({ batch, steps: 5 }, "uniform:0.3"))
        .sort((a, b) => rowName(a).localeCompare(rowName(b)))
        .map(plain);
    const whole = await of(128);
    expect(await of(1)).toEqual(whole);
    expect(await of(5)).toEqual(whole);
  });

  it("passes over finished rows and gives the others unchanged", async () => {
    const all = await rowsOf({ steps: 3 }, "uniform:0.3");
    const finished = new Set(all.filter((_, i) => i % 3 === 0).map(rowName));
    const rest = await rowsOf({ steps: 3 }, "uniform:0.3", finished);
    const expected = all.filter((row) => !finished.has(rowName(row)));
    expect(rest.map(plain)).toEqual(expected.map(plain));
  });

  it("names the image's file where images are files, and has no such field elsewhere", async () => {
    const files = Array.from({ length: data.test.size }, (_, i) => `cats/${i}.png`);
    const inFolder = { ...data, test: { ...data.test, files } };
    const options = EvaluateOptions.parse({ steps: 1, examples: 3, attacks: ["pgd-linf"] });
    const rows: Row[] = [];
    for await (const { row } of scoreAttacks(evaluated(null), inFolder, options)) rows.push(row);
    expect(new Set(rows.map(({ index, file }) => `${index} ${file}`))).toEqual(
      new Set(["0 cats/0.png", "1 cats/1.png", "2 cats/2.png"]),
    );
    for await (const { row } of scoreAttacks(evaluated(null), data, options))
      expect(Object.keys(row)).not.toContain("file");
  });

  it("refuses draws that are not a whole number of predictions", async () => {
    const rows = rowsOf({ rule: "majority:7", draws: 20 }, "uniform:0.2");
    await expect(rows).rejects.toThrow("use a multiple of 14");
  });
});

describe("a rule", () => {
  const logits = tensor([3, 3], [5, 0, 0, 0, 1, 0.9, 0, 1, 0.9]);

  it("majority counts votes, mean weighs probabilities", () => {
    expect(ruleNamed("majority:3").decide(logits)).toBe(1);
    expect(ruleNamed("mean:3").decide(logits)).toBe(0);
  });

  it.each([
    ["majority", "majority:10"],
    ["majority:0", "needs the number of draws"],
    ["majoritty:3", "did you mean majority?"],
  ])("%s is refused with what to write", (text, message) => {
    expect(() => ruleNamed(text)).toThrow(message);
  });

  it("decides once per group of draws, from keys that depend on the example alone", async () => {
    const random: Victim = {
      ...brightness,
      logits: async (_, keys) =>
        tensor(
          [keys.length, 2],
          keys.flatMap(([a]) => [a % 7, 3]),
        ),
    };
    const scoring = { rule: ruleNamed("majority:5"), draws: 20, batch: 7 };
    const keys = keysFor(keyOf(9), [0, 1, 2]);
    const together = await decisions(random, take([0, 1, 2]), keys, scoring);
    expect(together.map((list) => list.length)).toEqual([4, 4, 4]);
    const alone = await decisions(random, take([1]), [keys[1]], { ...scoring, batch: 100 });
    expect(alone[0]).toEqual(together[1]);
  });
});

describe("rows of a file", () => {
  it("come back whole, and a line that was cut off is dropped", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 5 }), fc.nat(20), (indices, cut) => {
        const lines = indices.map((index) => `{"index":${index}}\n`).join("");
        const torn = '{"index":123456789,"x'.slice(0, cut);
        const { rows, whole } = readRows("rows.jsonl", lines + torn);
        expect(rows.map(({ index }) => index)).toEqual(indices);
        expect(whole).toBe(lines);
      }),
    );
  });

  it("a damaged line in the middle is named", () => {
    expect(() => readRows("rows.jsonl", '{"index":1}\n{"ind\n{"index":3}\n')).toThrow(
      "rows.jsonl:2",
    );
  });

  it("may be extended by examples but not by other settings", () => {
    const settings = (options: object) =>
      ({
        model: { path: "runs/a", architecture: "m", noise: null },
        data: "d",
        options,
      }) as never as Settings;
    const before = settings({ steps: 10, examples: 100, batch: 8 });
    expect(differences(settings({ steps: 10, examples: 200, batch: 4 }), before)).toBeNull();
    expect(differences(settings({ steps: 20, examples: 100 }), before)).toEqual({
      before: "steps 10",
      now: "steps 20",
    });
  });
});
