// That an audit, its report, comparisons and reports of its folder count an adversarial image in every ball that holds it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as fixture from "../../../test/fixtures/audit-fixture.ts";
import { audit, compare, report, UsageError } from "../../node.ts";
import type { AuditResult } from "../result.ts";

const [linf, l2] = [0.05, 0.9];
const options = {
  data: `npz:${fixture.data}`,
  examples: 8,
  budget: "quick",
  norms: ["linf", "l2"],
  epsilonLinf: [linf],
  epsilonL2: [l2],
} as const;

const linesOf = (file: string): Record<string, unknown>[] =>
  readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const { crc: _, ...row } = JSON.parse(line);
      return row;
    });
const write = (file: string, rows: readonly object[]) =>
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

let out: string;
let result: AuditResult;
beforeAll(async () => {
  out = fixture.place();
  const model = fixture.network("quarters");
  const before = await audit(model, Object.assign({ out }, options));
  // Every image breaks in the ℓ2 ball, and none in the ℓ∞ ball.
  expect(before.norms.map(({ accuracy }) => accuracy.mean)).toEqual([1, 0]);
  // In ℓ∞ the attacks have now missed two images, of which an ℓ2 attack found one and the search in ℓ2 the other.
  const rows = linesOf(join(out, "rows.jsonl")).map((row) =>
    row.index === 0 && row.norm === "l2" && row.correct === 0
      ? Object.assign(row, { linf: linf - 0.001 })
      : row,
  );
  write(join(out, "rows.jsonl"), rows);
  const searches = linesOf(join(out, "radii.jsonl")).map((row) =>
    row.index === 1 && row.attack === "fmn-l2"
      ? Object.assign(row, { found: Object.assign({}, row.found, { linf: linf - 0.001 }) })
      : row,
  );
  write(join(out, "radii.jsonl"), searches);
  result = await audit(model, Object.assign({ out, resume: true }, options));
});
afterAll(fixture.removeFolder);

it("the audit counts both, and lists them under further attacks", async () => {
  expect(result.norms.map(({ accuracy }) => accuracy.mean)).toEqual([6 / 8, 0]);
  expect(result.norms[0].attacks.slice(-2)).toMatchObject([
    { attack: "other-balls-linf", tried: 8, broken: 1, left: { mean: 7 / 8 } },
    { attack: "smallest-linf", tried: 7, broken: 1, left: { mean: 6 / 8 } },
  ]);
  expect(result.unions.map(({ accuracy }) => accuracy.mean)).toEqual([6 / 8, 0, 0]);
  expect(result.diagnostics.map(({ code }) => code)).toContain("search-wins");
  const summary = JSON.parse(readFileSync(join(out, "summary.json"), "utf8"));
  expect(summary.norms[0].accuracy.mean).toBe(6 / 8);
  expect(readFileSync(join(out, "report.html"), "utf8")).toContain("other-balls-linf");
  expect(readFileSync(join(out, "rows.jsonl"), "utf8")).not.toContain("other-balls");
});

it("a comparison and a report of the folder say the same as the audit", async () => {
  const { accuracies, sameSettings } = await compare(out, join(out, "rows.jsonl"));
  expect(accuracies.map(({ before, after }) => [before, after])).toEqual([
    [1, 1],
    [6 / 8, 6 / 8],
    [0, 0],
    [0, 0],
  ]);
  expect(sameSettings).toBe(true);
  const text = join(out, "report.json");
  await report([join(out, "rows.jsonl")], { out: text, format: "json" });
  const balls = JSON.parse(readFileSync(text, "utf8"));
  expect(JSON.stringify(balls)).toContain("smallest-linf");
});

it("rows of the attacks alone are another result", async () => {
  const alone = join(out, "alone.jsonl");
  writeFileSync(alone, readFileSync(join(out, "rows.jsonl")));
  const { accuracies, notes } = await compare(out, alone);
  expect(accuracies[1]).toMatchObject({ before: 6 / 8, after: 1, gained: 2 });
  expect(notes.map(({ code }) => code)).toContain("other-attacks");
  await expect(compare(out, alone, { maxDrop: 0.1 })).rejects.toBeInstanceOf(UsageError);
});

it("a damaged line of a search is refused with its place", async () => {
  const file = join(out, "radii.jsonl");
  const text = readFileSync(file, "utf8");
  try {
    writeFileSync(file, `{"index":"one"}\n${text}`);
    await expect(compare(out, out)).rejects.toThrow(/radii\.jsonl:1 is not a row about a search/);
  } finally {
    writeFileSync(file, text);
  }
});
