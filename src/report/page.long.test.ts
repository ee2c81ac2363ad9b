import fc from "fast-check";
import { parseHTML } from "linkedom";
import { beforeAll, describe, expect, it } from "vitest";
import { fileOf, fourExamples, rowWith, settingsText } from "../../test/fixtures/rows-fixture.ts";
import { npzBytes, parseNpz } from "../data/npz.ts";
import { summarize } from "../evaluate/summary.ts";
import type { RowsFile } from "./evaluation.ts";
import { evaluationsOf } from "./evaluations.ts";
import { page } from "./page.ts";

const pageOf = (...files: RowsFile[]) => page(evaluationsOf(files, { summarize, parseNpz }));

const examples = (attack = "pgd-linf") => {
  const pixels = (value: number) => ({
    data: new Float32Array(4).fill(value),
    shape: [1, 1, 2, 2],
  });
  return npzBytes({
    [`${attack}@0.031/index`]: { data: Float32Array.of(0), shape: [1] },
    [`${attack}@0.031/original`]: pixels(0.5),
    [`${attack}@0.031/adversarial`]: pixels(0.531),
  });
};

const cellsOf = (text: string, table: string) => {
  const { document } = parseHTML(text);
  return [...document.querySelectorAll(`${table} tbody tr`)].map((tr) =>
    [...tr.querySelectorAll("td")].map((td) => td.textContent?.trim()),
  );
};

const attributes = String.raw`(?:\s+[\w:-]+(?:="[^"<>]*")?)*`;
const tag = new RegExp(`<(/?)([a-zA-Z][\\w-]*)(${attributes})\\s*(/?)>`, "g");

/** Tags with the names of their attributes, in order; fails where one is not closed or a stray < is left. */
function structure(text: string): string[] {
  const body = text
    .replace(/<!doctype html>/, "")
    .replace(/<style>[^<]*<\/style>/g, "<style></style>");
  const open: string[] = [];
  const found: string[] = [];
  for (const [, close, name, given, empty] of body.matchAll(tag)) {
    if (close !== "") expect(open.pop()).toBe(name);
    else if (empty === "" && name !== "meta" && name !== "img") open.push(name);
    const names = [...given.matchAll(/([\w:-]+)="[^"]*"/g)].map(([, attribute]) => attribute);
    found.push([close + name, ...names].join(" "));
  }
  expect(open).toEqual([]);
  expect(body.replace(tag, "")).not.toMatch(/[<>]/);
  return found;
}

const full = (name: string): RowsFile =>
  fileOf(
    fourExamples({ model: name, defense: name, data: name }).map((row) =>
      row.attack === "pgd-l2" ? { ...row, attack: name } : row,
    ),
    { file: name, settings: settingsText(name), examples: examples() },
  );

describe("the page", () => {
  let text = "";
  beforeAll(() => {
    text = pageOf(full("at"), full("other"));
  });

  it("shows the accuracies, intervals, union and min of means that are computed by hand", () => {
    const [line] = cellsOf(pageOf(fileOf(fourExamples())), "table.accuracy");
    // Wilson's 95 % intervals of 3, 2 and 1 of 4.
    expect(line).toEqual([
      "75.0 %30.1–95.4",
      "50.0 %15.0–85.0",
      "50.0 %15.0–85.0",
      "25.0 %4.6–69.9",
      "50.0 %upper bound",
    ]);
  });

  it("is well-formed, and tells headings, tables and images to those who cannot see them", () => {
    structure(text);
    const { document } = parseHTML(text);
    expect(document.querySelectorAll("h1")).toHaveLength(1);
    const tables = [...document.querySelectorAll("table")];
    expect(tables.length).toBeGreaterThan(2);
    for (const table of tables) expect(table.querySelector("caption")?.textContent).toBeTruthy();
    const images = [...document.querySelectorAll("img")];
    expect(images).toHaveLength(6);
    for (const image of images) {
      expect(image.getAttribute("alt")).toBeTruthy();
      expect(image.getAttribute("src")).toMatch(/^data:image\/png;base64,iVBORw0KGgo/);
    }
    for (const svg of document.querySelectorAll("svg"))
      expect(svg.getAttribute("aria-label")).toBeTruthy();
    for (const link of document.querySelectorAll("nav a"))
      expect(document.querySelector(link.getAttribute("href") ?? "")).not.toBeNull();
  });

  it("loads nothing and runs nothing", () => {
    expect(text).not.toMatch(/<(script|link|iframe|object|base)\b|https?:|url\(|@import|\son\w+=/i);
    expect(text).toContain("default-src 'none'");
  });

  it("keeps hostile names from becoming markup", () => {
    const hostile = [
      "<script>alert(1)</script>",
      '"><img src=x onerror=alert(1)>',
      "</style><b>",
      "'\">&lt;",
      "<!--",
      "-->",
      "]]>",
      "\u0000\u001b[2J",
      "\ud800",
      "a\nb",
      "</svg>",
      "__proto__",
    ];
    const expected = structure(pageOf(full("plain")));
    expect(structure(pageOf(full(hostile.join(""))))).toEqual(expected);
    const names = fc
      .tuple(fc.constantFrom(...hostile), fc.string({ unit: "binary", maxLength: 6 }))
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(names, (name) => {
        expect(structure(pageOf(full(name)))).toEqual(expected);
      }),
      { numRuns: 5, seed: 1, endOnFailure: true },
    );
  });

  it("says what is missing, and is made all the same", () => {
    const bare = pageOf(fileOf(fourExamples()));
    expect(bare).toContain("rows.jsonl has no settings beside it");
    expect(bare).toContain("rows.jsonl has no images beside it");
    const broken = pageOf(fileOf(fourExamples(), { settings: "{", examples: Uint8Array.of(1, 2) }));
    expect(broken).toContain("The settings beside rows.jsonl cannot be read");
    expect(broken).toContain("The images beside rows.jsonl cannot be read");
  });

  it("never puts rows of two protocols into one table", () => {
    const both = [...fourExamples(), ...fourExamples({ protocol: "published", clean: 0 })];
    const titles = [...parseHTML(pageOf(fileOf(both))).document.querySelectorAll("h2")].map(
      (h2) => h2.textContent,
    );
    expect(titles).toContain("Accuracy on toy, sound protocol");
    expect(titles).toContain("Accuracy on toy, published protocol");
  });

  it("shows a published evaluation's min of means first, and one noisy draw beside its accuracies", () => {
    const rows = fourExamples({ protocol: "published" }).map((row) => ({ ...row, oneDraw: 1 }));
    const text = pageOf(fileOf(rows));
    const { document } = parseHTML(text);
    const heads = [...document.querySelectorAll("table.accuracy thead th")].map(
      (th) => th.firstChild?.textContent,
    );
    expect(heads.slice(-2)).toEqual(["min of means", "union"]);
    expect(document.querySelector("p.finding")?.textContent).toContain("upper bound");
    const cells = [...document.querySelectorAll('[aria-labelledby="randomised"] td')].map(
      (td) => td.textContent,
    );
    expect(cells.slice(1, 3)).toEqual(["50.0 %15.0–85.0", "100.0 %51.0–100.0"]);
  });

  it("draws accuracy against EOT draws, with a verdict, where there were several", () => {
    const rows = [1, 4, 16].flatMap((eot) => fourExamples({ eot, draws: 20 }));
    const { document } = parseHTML(pageOf(fileOf(rows)));
    const section = document.querySelector('[aria-labelledby="eot"]');
    expect(section?.querySelectorAll("svg")).toHaveLength(2);
    expect(section?.textContent).toContain(
      "50.0 % at 1, 50.0 % at 4 and 50.0 % at 16: settled at 1",
    );
    expect(pageOf(fileOf(fourExamples()))).not.toContain('id="eot"');
  });

  it("gives attacks of different effort separate columns", () => {
    const strong = fourExamples({ model: "b", steps: 100 });
    const text = pageOf(fileOf(fourExamples()), fileOf(strong, { file: "b.jsonl" }));
    const [first, second] = cellsOf(text, "table.accuracy");
    expect(first.filter((cell) => cell === "not measured")).toHaveLength(2);
    expect(second.filter((cell) => cell === "not measured")).toHaveLength(2);
    expect(text).toContain("ε 0.031, 100 steps");
  });

  it("shows majority and all of 10 tries of a randomised model", () => {
    // 10 draws score: an example right in all of them is right in all of 10 tries, one right in 9 never is.
    const rows = [1, 0.9].map((correct, index) =>
      rowWith({ index, correct, correctChoose: correct, majority: 1, draws: 20, eot: 4 }),
    );
    const text = pageOf(fileOf(rows));
    const { document } = parseHTML(text);
    const cells = [...document.querySelectorAll('[aria-labelledby="randomised"] td')].map(
      (td) => td.textContent,
    );
    expect(cells[1]).toMatch(/^95\.0 %/);
    expect(cells[2]).toMatch(/^100\.0 %/);
    expect(cells[3]).toBe("50.0 %");
  });
});
