import { describe, expect, it } from "vitest";
import { fileOf, fourExamples, rowWith, settingsText } from "../../test/fixtures/rows-fixture.ts";
import { parseNpz } from "../data/npz.ts";
import { summarize } from "../evaluate/summary.ts";
import type { RowsFile } from "./evaluation.ts";
import { evaluationsOf } from "./evaluations.ts";
import { readRows } from "./read-rows.ts";

const lines = fourExamples().map((row) => `${JSON.stringify(row)}\n`);
const evaluations = (...files: RowsFile[]) => evaluationsOf(files, { summarize, parseNpz });

describe("reading rows", () => {
  it("gives back what was written", () => {
    expect(readRows("r.jsonl", lines.join(""))).toEqual({ rows: fourExamples(), notes: [] });
  });

  it("reads rows that were written before one noisy draw was noted", () => {
    const old = fourExamples().map(({ oneDraw: _, ...row }) => `${JSON.stringify(row)}\n`);
    expect(readRows("r.jsonl", old.join("")).rows).toEqual(fourExamples());
  });

  it.each([
    ["no JSON", "{oops\n", "r.jsonl:3 is not a valid row: it is not JSON ({oops)"],
    [
      "another object",
      '{"model":"a"}\n',
      "r.jsonl:3 is not a row of an evaluation: its field defense is invalid (",
    ],
    [
      "a share above 1",
      `${JSON.stringify(rowWith({ correct: 1.5 }))}\n`,
      "r.jsonl:3 is not a row of an evaluation: its field correct is invalid (",
    ],
  ])("names the line that is %s and says what to do", (_, line, message) => {
    const contents = [lines[0], lines[1], line, lines[2]].join("");
    expect(() => readRows("r.jsonl", contents)).toThrow(message);
    expect(() => readRows("r.jsonl", contents)).toThrow("delete that line");
  });

  it("passes over a last line that was cut off, and says so", () => {
    const { rows, notes } = readRows("r.jsonl", lines.join("") + lines[0].slice(0, 50));
    expect(rows).toHaveLength(8);
    expect(notes.map(({ code }) => code)).toEqual(["cut-line"]);
  });

  it("keeps a last row that only lacks its line end", () => {
    expect(readRows("r.jsonl", lines.join("").trimEnd()).rows).toHaveLength(8);
  });

  it.each(["", "\n", '{"model":'])("refuses a file without rows: %j", (contents) => {
    expect(() => readRows("r.jsonl", contents)).toThrow("r.jsonl holds no rows");
  });
});

describe("evaluations of files", () => {
  it("say beside their numbers what the settings warn of", () => {
    const said = JSON.parse(settingsText("at"));
    const settings = JSON.stringify({
      ...said,
      warnings: ["test images may have been trained on"],
    });
    const [{ notes }] = evaluations(fileOf(fourExamples(), { settings }));
    expect(notes).toContainEqual({
      code: "warning",
      text: "at on toy: test images may have been trained on.",
    });
  });

  it("are one per model and protocol, and no two share a label", () => {
    const found = evaluations(
      fileOf([...fourExamples(), ...fourExamples({ protocol: "published" })]),
      fileOf(fourExamples({ model: "b" }), { file: "b.jsonl" }),
      fileOf(fourExamples({ model: "b" }), { file: "c.jsonl" }),
    );
    expect(found.map(({ label }) => label)).toEqual([
      "at (sound)",
      "at (published)",
      "b (b.jsonl)",
      "b (c.jsonl)",
    ]);
    for (const { rows } of found) expect(rows).toHaveLength(8);
  });

  it("refuse an example that would count twice", () => {
    const rows = [...fourExamples(), rowWith({ index: 2 })];
    expect(() => evaluations(fileOf(rows))).toThrow("test image 2 under pgd-linf at ε 0.031 twice");
  });

  it("take an attack's objective for a matter of each example, and its EOT draws for a curve", () => {
    const rows = [
      rowWith({ index: 0, objective: "transfer", eot: 4 }),
      rowWith({ index: 1, objective: "mean-loss", eot: 4 }),
      rowWith({ index: 1, objective: "mean-loss", eot: 16 }),
    ];
    expect(evaluations(fileOf(rows))).toHaveLength(1);
  });

  it("refuse one attack with two efforts", () => {
    const rows = [rowWith({ index: 0 }), rowWith({ index: 1, steps: 100 })];
    expect(() => evaluations(fileOf(rows))).toThrow("mixes two kinds of pgd-linf");
  });

  it("say when attacks have not tried all images", () => {
    const [{ notes }] = evaluations(fileOf(fourExamples().slice(0, -1)));
    expect(notes.map(({ code }) => code)).toContain("unfinished");
  });
});
