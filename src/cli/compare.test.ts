import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fourExamples } from "../../test/fixtures/rows-fixture.ts";
import type { Row } from "../evaluate/row.ts";
import { run } from "./kit/program.ts";
import { rampart } from "./main.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rampart-compare-"));
  audited("one", fourExamples());
  audited("two", fourExamples({ model: "b", correct: 0, correctChoose: 0 }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...names: string[]) => join(folder, ...names);

/** A folder as an audit writes it. */
function audited(
  name: string,
  rows: readonly Row[],
  summary: object = { valid: true, budget: "quick" },
) {
  mkdirSync(at(name), { recursive: true });
  writeFileSync(at(name, "rows.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  writeFileSync(at(name, "summary.json"), JSON.stringify(summary));
}

async function compare(...words: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const io = {
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
  };
  const code = await run(rampart, ["compare", ...words], io);
  return { code, out: out.join(""), err: err.join("") };
}

it("prints the change of two audits, whether their folders, rows or summaries are named", async () => {
  const { code, out } = await compare(at("one"), at("two"));
  expect(code).toBe(0);
  expect(out).toMatch(
    /fell from 25\.0 % to 0\.0 %: −25\.0 points \[.*\], 1 image lost and 0 gained/,
  );
  for (const name of ["rows.jsonl", "summary.json"])
    expect((await compare(at("one", name), at("two", name))).out).toBe(out);
});

it("ends with 3 where an accuracy dropped too far, and with 0 where it did not", async () => {
  const fails = await compare(at("one"), at("two"), "--max-drop", "0.2");
  expect(fails.code).toBe(3);
  expect(fails.out).toContain(
    "Fails: under attack in ℓ∞ 0.031 or ℓ2 0.83 dropped by more than 20.0 points",
  );
  expect((await compare(at("one"), at("two"), "--max-drop", "0.25")).code).toBe(0);
});

it("ends with 2 where budgets differ under --max-drop, and with a note without it", async () => {
  audited("two", fourExamples({ model: "b" }), { valid: true, budget: "standard" });
  const free = await compare(at("one"), at("two"));
  expect(free.code).toBe(0);
  expect(free.err).toContain("note: The budgets differ: quick before, standard after");
  const gated = await compare(at("one"), at("two"), "--max-drop", "0.2");
  expect(gated.code).toBe(2);
  expect(gated.err).toContain("run both with the same --budget");
});

it("ends with 2 under --max-drop where no radius is in both", async () => {
  audited("two", fourExamples({ model: "b", epsilon: 0.5 }));
  const gated = await compare(at("one"), at("two"), "--max-drop", "1");
  expect(gated.code).toBe(2);
  expect(gated.err).toContain("ℓ∞ (0.031 before, 0.5 after) and ℓ2 (0.83 before, 0.5 after)");
  expect((await compare(at("one"), at("two"))).code).toBe(0);
});

it("writes each format, and one object per line under --json", async () => {
  const html = await compare(at("one"), at("two"), "--out", at("c.html"));
  expect(html.out).toContain(`comparison: ${at("c.html")}`);
  expect(readFileSync(at("c.html"), "utf8")).toMatch(/^<!doctype html>/);
  expect((await compare(at("one"), at("two"), "--format", "md")).out).toMatch(/^## b against at/);
  const json = JSON.parse((await compare(at("one"), at("two"), "--format", "json")).out);
  expect(json.accuracies).toHaveLength(4);
  const lines = await compare(at("one"), at("two"), "--json");
  expect(JSON.parse(lines.out.split("\n")[0]).headline).toBe("linf@0.031+l2@0.83");
});

it("ends with 2 for a folder without rows and for other images, and writes nothing", async () => {
  mkdirSync(at("empty"));
  expect(await compare(at("one"), at("empty"))).toMatchObject({ code: 2 });
  audited("two", fourExamples({ model: "b", label: 5 }));
  const other = await compare(at("one"), at("two"), "--out", at("none.html"));
  expect(other.code).toBe(2);
  expect(other.err).toContain("test image 0 is not the same in both results");
  expect(existsSync(at("none.html"))).toBe(false);
});
