// docs/paper.md and Table 4 have the numbers of results/paper, and agree with each other.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { beforeAll, describe, expect, it } from "vitest";
import {
  judgedClaims,
  type PaperResults,
  paperPage,
  readPaperResults,
  shownTable,
} from "../scripts/paper-page.ts";
import { verdicts } from "../src/paper/claims/verdict.ts";
import { sliceSvg } from "../src/paper/report/slice.ts";
import { table1 } from "../src/paper/theory/table1.ts";
import { theoryText } from "../src/paper/theory-text.ts";
import { readPage, root } from "./fixtures/docs.ts";

let found: PaperResults;

beforeAll(async () => {
  found = await readPaperResults();
});

const fileOf = (name: string): string => readFileSync(join(root, "docs/paper", name), "utf8");

describe("docs/paper.md; run npx tsx scripts/paper.ts", () => {
  it("has the numbers of the rows and cells", () => {
    const page = readPage("docs/paper.md");
    expect(paperPage(page, found)).toBe(page);
  });

  it("gives each claim a verdict and a reason", () => {
    const all = judgedClaims(found);
    expect(all.length).toBeGreaterThanOrEqual(15);
    for (const { verdict, why, lines } of all) {
      expect(verdicts).toContain(verdict);
      expect(why).toMatch(/\.$/);
      expect(lines.length).toBeGreaterThan(0);
    }
  });

  it("answers three questions before anything else", () => {
    const [screen] = readPage("docs/paper.md").split("<!-- end -->");
    for (const question of ["Does RAT beat MAT?", "Does noise defend against C&W", "d = 3072?"])
      expect(screen).toContain(question);
    expect(screen).toContain("10^−81.2");
    const [rat, noise, mat] = ["rat-mat", "noise-cw", "mat"].map((id) => {
      const verdict = judgedClaims(found).find((one) => one.id === id)?.verdict ?? "";
      return `**${verdict[0].toUpperCase()}${verdict.slice(1)}.**`;
    });
    const bold = screen
      .split("\n")
      .flatMap((line) => /\| (\*\*[A-Z][a-z ]+\.\*\*) /.exec(line)?.[1] ?? []);
    expect(bold).toEqual([rat, noise, mat]);
  });

  it("rounds the shares of Table 3 as the table does", () => {
    const row =
      fileOf("table3.md")
        .split("\n")
        .find((line) => line.startsWith("| in both balls")) ?? "";
    const [, baseline, , at] = row.split(" | ").map((cell) => /^\d+ %/.exec(cell)?.[0]);
    const lines = judgedClaims(found).find(({ id }) => id === "shift")?.lines ?? [];
    expect(lines.map(({ text }) => /\d+ %/.exec(text)?.[0])).toEqual([baseline, at]);
  });
});

describe("Figure 1 on a real image", () => {
  it("is drawn from the stored numbers, and describes them in one sentence per attack", () => {
    const stored = readFileSync(join(root, "results/paper/figure1-real.json"), "utf8");
    const svg = fileOf("figure1-real.svg");
    expect(svg).toBe(sliceSvg(JSON.parse(stored)));
    expect(svg).toMatch(/PGD-ℓ∞: (taken for \w+|withstood); ‖δ‖₂ = /);
    expect(svg).not.toMatch(/;;|;<\/text>/);
  });
});

it("Table 1 is what the theory computes", () => {
  expect(fileOf("table1.txt")).toBe(`${theoryText(table1([2, 784, 3072, 150528]))}\n`);
});

describe("Table 4", () => {
  it.each(["table4.md", "table4.svg", "table4.html"])("%s is that of the rows", (name) => {
    expect(fileOf(name)).toBe(shownTable(found).files[name]);
  });

  it("has the same numbers as a drawing and as text, and the same best values", () => {
    const { document } = parseHTML(fileOf("table4.svg"));
    const texts = [...document.querySelectorAll("text")];
    const bold = (element: (typeof texts)[number]) => element.getAttribute("font-weight") === "700";
    const drawn = texts
      .filter((one) => /^0\.\d\d$/.test(one.textContent ?? ""))
      .map((one) => `${one.textContent}${bold(one) ? "*" : ""}`);
    const [sound, published] = fileOf("table4.md").split(/^### /m).slice(1);
    const written = [sound, published]
      .flatMap((part) => part.split("\n").filter((line) => line.startsWith("| ")))
      .flatMap((line) => line.split(" | ").slice(1))
      .flatMap(
        (cell) => /^(\*\*)?(0\.\d\d)/.exec(cell.trim())?.slice(1, 3).reverse().join("") ?? [],
      )
      .map((text) => text.replace("**", "*"));
    expect(drawn.length).toBeGreaterThan(100);
    expect(drawn).toEqual(written);
  });

  it("is 800 pixels wide, with letters of at least 12 pixels", () => {
    const { document } = parseHTML(fileOf("table4.svg"));
    expect(document.querySelector("svg")?.getAttribute("width")).toBe("800");
    for (const one of document.querySelectorAll("text"))
      expect(Number(one.getAttribute("font-size"))).toBeGreaterThanOrEqual(12);
  });
});
