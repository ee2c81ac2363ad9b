import { describe, expect, it } from "vitest";
import { brightness, brightnessData } from "../../test/fixtures/brightness.ts";
import { scoreAttacks } from "./evaluate.ts";
import { EvaluateOptions } from "./options.ts";
import type { Row } from "./row.ts";
import { isSpared, noneSpared, type Spares } from "./spared.ts";

const data = await brightnessData();
const evaluated = { model: "m", defense: "d", network: brightness, noise: null };
const options = EvaluateOptions.parse({
  attacks: ["fgsm-linf", "pgd-linf", "ddn-l2"],
  skipBroken: true,
  epsilonLinf: [0.02, 0.05],
  epsilonL2: [0.1, 0.2],
  batch: 5,
});

async function rowsOf(spares: Spares): Promise<Row[]> {
  const rows: Row[] = [];
  const none = undefined;
  for await (const { row } of scoreAttacks(evaluated, data, options, none, none, none, spares))
    rows.push({ ...row, seconds: 0 });
  return rows;
}

describe("an example that is spared", () => {
  it("gets a row without an attack, and other examples get the rows that they have anyway", async () => {
    const spares: Spares = ({ index, attack, epsilon }) =>
      index % 3 === 0 && attack !== "fgsm-linf" && (epsilon === 0.05 || epsilon === 0.1);
    const [whole, rows] = [await rowsOf(noneSpared), await rowsOf(spares)];
    const spared = rows.filter(isSpared);
    expect(spared.length).toBeGreaterThan(2);
    expect(rows.filter(spares)).toEqual(spared);
    for (const row of spared) {
      expect(spares(row)).toBe(true);
      expect(row).toMatchObject({ objective: "proven", queries: 0, linf: 0, l2: 0, l1: 0 });
      expect([row.correct, row.majority]).toEqual([row.clean, row.clean]);
    }
    expect(new Set(spared.map(({ attack }) => attack))).toEqual(new Set(["pgd-linf", "ddn-l2"]));
    // A minimum-norm attack counts its queries by batch of examples, which sparing changes.
    const others = (all: readonly Row[]) =>
      all.filter((row) => !spares(row)).map((row) => ({ ...row, queries: 0 }));
    expect(others(rows)).toEqual(others(whole));
    expect(whole.some(isSpared)).toBe(false);
  });

  it("is never asked about by name alone: radii and attacks are told apart", async () => {
    const asked = new Set<string>();
    await rowsOf(({ attack, norm, epsilon }) => {
      asked.add(`${attack} ${norm} ${epsilon}`);
      return false;
    });
    expect([...asked].sort()).toEqual([
      "ddn-l2 l2 0.1",
      "ddn-l2 l2 0.2",
      "fgsm-linf linf 0.02",
      "fgsm-linf linf 0.05",
      "pgd-linf linf 0.02",
      "pgd-linf linf 0.05",
    ]);
  });
});
