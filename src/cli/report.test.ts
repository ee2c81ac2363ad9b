import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fourExamples } from "../../test/fixtures/rows-fixture.ts";
import { run } from "./kit/program.ts";
import { rampart } from "./main.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rampart-report-"));
  const lines = fourExamples().map((row) => `${JSON.stringify(row)}\n`);
  writeFileSync(join(folder, "rows.jsonl"), lines.join(""));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function report(...words: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const io = {
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
  };
  const code = await run(rampart, ["report", ...words], io);
  return { code, out: out.join(""), err: err.join("") };
}
const at = (name: string) => join(folder, name);

describe("rampart report", () => {
  it("writes one page, prints the table, and says on stderr what is missing", async () => {
    const { code, out, err } = await report(at("rows.jsonl"), "--out", at("new/report.html"));
    expect(code).toBe(0);
    expect(readFileSync(at("new/report.html"), "utf8")).toMatch(/^<!doctype html>/);
    expect(readdirSync(at("new"))).toEqual(["report.html"]);
    expect(out).toContain("union                25.0 %");
    expect(err).toContain("has no settings beside it");
  });

  it("prints other formats, and JSON lines under --json", async () => {
    const { out } = await report(at("rows.jsonl"), "--format", "md");
    expect(out).toMatch(/^## Accuracy on toy/);
    const json = await report(at("rows.jsonl"), "--out", at("r.html"), "--json");
    const lines = json.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ label: "at", unions: [{ minOfMeans: 0.5 }] });
    expect(lines[1]).toEqual({ report: at("r.html"), format: "html" });
  });

  it("names the files of rows in a folder that is given instead of one", async () => {
    writeFileSync(at("metrics.jsonl"), "");
    const one = await report(folder);
    expect(one.code).toBe(2);
    expect(one.err).toContain(`is a folder; give the file of rows in it: ${at("rows.jsonl")}\n`);
    rmSync(at("rows.jsonl"));
    const none = await report(folder, "--out", at("r.html"));
    expect(none.code).toBe(2);
    expect(none.err).toContain("rampart evaluate --out FILE.jsonl writes one");
    expect(existsSync(at("r.html"))).toBe(false);
  });

  it("refuses what it cannot read or write, and leaves nothing behind", async () => {
    const missing = await report(at("none.jsonl"), "--out", at("r.html"));
    expect(missing).toMatchObject({ code: 2, out: "" });
    expect(missing.err).toContain("there is no such file");
    writeFileSync(at("bad.jsonl"), "{}\n{}\n");
    const bad = await report(at("bad.jsonl"), "--out", at("r.html"));
    expect(bad.code).toBe(2);
    expect(bad.err).toContain("bad.jsonl:1 is not a row of an evaluation: its field ");
    const unwritable = await report(at("rows.jsonl"), "--out", at("rows.jsonl/r.html"));
    expect(unwritable.code).toBe(2);
    expect(unwritable.err).toContain("cannot write");
    const twice = await report(at("rows.jsonl"), at("rows.jsonl"), "--out", at("r.html"));
    expect(twice.code).toBe(2);
    expect(existsSync(at("r.html"))).toBe(false);
  });
});
