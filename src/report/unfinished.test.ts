import { describe, expect, it } from "vitest";
import { fileOf, rowWith, settingsText } from "../../test/fixtures/rows-fixture.ts";
import { parseNpz } from "../data/npz.ts";
import type { Row } from "../evaluate/row.ts";
import { summarize } from "../evaluate/summary.ts";
import { comparedResults, type ResultFile } from "./compared-results.ts";
import { type CompareSettings, type Comparison, comparisonOf } from "./comparison.ts";

/** Rows under PGD-ℓ∞: right clean and under attack by image, `11` for both. */
const rowsOf = (model: string, images: readonly string[], changes: Partial<Row> = {}): Row[] =>
  images.map((image, index) => {
    const [clean, correct] = [...image].map(Number);
    const judged = { correct, correctChoose: correct, correct8bit: correct, majority: correct };
    return rowWith(Object.assign({ model, index, clean }, judged, changes));
  });

const resultOf = (rows: readonly Row[], more: Partial<ResultFile> = {}): ResultFile =>
  Object.assign({ auditSummary: null }, fileOf(rows, { file: `${rows[0].model}.jsonl` }), more);

const tools = { summarize, parseNpz };
const compare = (before: ResultFile, after: ResultFile, settings?: CompareSettings): Comparison =>
  comparisonOf(...comparedResults(before, after, tools), settings);

describe("--max-drop", () => {
  const both = ["fgsm-linf", "pgd-linf", "pgd-l2"];
  const planned = (model: string, more: object = {}): string => {
    const own = { attacks: both, epsilonLinf: [0.031], epsilonL2: [0.5], onlyStanding: true };
    return JSON.stringify(Object.assign(JSON.parse(settingsText(model)), { options: own }, more));
  };
  const l2 = { attack: "pgd-l2", norm: "l2", epsilon: 0.5 };
  /** An audit of four images: FGSM breaks the first, PGD-ℓ∞ the second, PGD-ℓ2 the third. */
  const runs = (model: string) => [
    rowsOf(model, ["10", "11", "11", "11"], { attack: "fgsm-linf" }),
    rowsOf(model, ["11", "10", "11", "11"]).slice(1),
    rowsOf(model, ["11", "11", "10", "11"], l2),
  ];
  const summary = JSON.stringify({ valid: true, budget: "quick", examples: 4 });
  const finished = (model: string, more: Partial<ResultFile> = {}): ResultFile =>
    resultOf(runs(model).flat(), { settings: planned(model), auditSummary: summary, ...more });
  const inFolder = { file: "b/rows.jsonl" };
  const command = "rampart audit b.onnx --out b";
  const decided =
    (two: ResultFile, one = finished("a")) =>
    () =>
      compare(one, two, { maxDrop: 0.02 });

  it("needs no rows of searches in balls where they broke nothing", () => {
    const attacked = rowsOf("a", ["11", "11"]);
    const larger = attacked.map((row) => Object.assign({}, row, { epsilon: 0.1 }));
    const searched = rowsOf("a", ["10", "11"], { attack: "smallest-linf", epsilon: 0.1 });
    const options = { attacks: ["pgd-linf"], epsilonLinf: [0.031, 0.1], onlyStanding: true };
    const settings = planned("a", { options });
    const rows = [...attacked, ...larger, ...searched];
    const result = resultOf(rows, { settings, auditSummary: null });
    expect(compare(result, result, { maxDrop: 0 }).drop?.passed).toBe(true);
  });

  it("takes two finished results, whose attacks skip broken images", () => {
    const { drop, notes } = decided(finished("b"))();
    expect(drop?.passed).toBe(true);
    expect(notes).toEqual([]);
  });

  it("takes rows of an audit under another name, beside which no summary is looked for", () => {
    const settings = planned("b", { kind: "audit" });
    const renamed = finished("b", { settings, auditSummary: null });
    expect(decided(renamed)().drop?.passed).toBe(true);
  });

  it("takes rows without settings, whose attacks have tried all images", () => {
    const [one, two] = ["a", "b"].map((model) => resultOf(runs(model).flat()));
    expect(decided(two, one)().drop?.passed).toBe(true);
  });

  it.each<[string, ResultFile, RegExp]>([
    [
      "attacks that have not begun",
      resultOf(runs("b").slice(0, 1).flat(), { settings: planned("b") }),
      /result after \(b\.jsonl\) is not finished: images have not been tried by pgd-linf at 0\.031 \(1 of 4 images\) and pgd-l2 at 0\.5 \(0 of 4 images\)/,
    ],
    [
      "a norm that has not begun",
      resultOf(runs("b").slice(0, 2).flat(), { settings: planned("b") }),
      /not been tried by pgd-l2 at 0\.5 \(0 of 4 images\)/,
    ],
    [
      "a radius that has not begun",
      finished("b", {
        settings: planned("b", {
          options: { attacks: both, epsilonLinf: [0.031, 0.1], epsilonL2: [0.5], skipBroken: true },
        }),
      }),
      /not been tried by fgsm-linf at 0\.1 \(0 of 4 images\) and pgd-linf at 0\.1 \(0 of 4 images\)/,
    ],
    [
      "images without rows",
      finished("b", { settings: planned("b", { images: 500 }) }),
      /it has rows of 4 of 500 images/,
    ],
    [
      "an audit without a summary",
      finished("b", { ...inFolder, settings: planned("b", { kind: "audit" }), auditSummary: null }),
      /has no summary\.json, which an audit writes at its end/,
    ],
    [
      "an audit of an earlier version without a summary",
      finished("b", { ...inFolder, settings: planned("b", { command }), auditSummary: "{" }),
      /has no summary\.json/,
    ],
    [
      "an audit whose summary is that of fewer images",
      finished("b", {
        auditSummary: JSON.stringify({ valid: true, budget: "quick", examples: 2 }),
      }),
      /its summary\.json is about 2 images, and its rows about 4/,
    ],
  ])("refuses %s, on either side", (_, unfinished, message) => {
    expect(decided(unfinished)).toThrow(message);
    expect(decided(unfinished)).toThrow(/--max-drop needs two finished results.*\n.*--resume/);
    expect(decided(finished("a"), unfinished)).toThrow(/The result before \(b(\/rows)?\.jsonl\)/);
    const { notes } = compare(finished("a"), unfinished);
    expect(notes.map(({ code }) => code)).toContain("unfinished");
  });
});
