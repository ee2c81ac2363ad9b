import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { type Grid, gridMarkdown, gridPage } from "./grid.ts";
import { gridSvg } from "./grid-svg.ts";

const grid: Grid = {
  title: "A <table> & more",
  columns: ["one", "t|wo"],
  rows: [
    { label: "part", cells: [] },
    {
      label: "acc",
      cells: [{ text: "0.12", detail: "0.1–0.2, n 5", value: 0.12, best: true }, { text: "–" }],
    },
  ],
  notes: [
    "A sentence about what the numbers are, long enough to be broken into several lines of text below the table.",
  ],
};

describe("a grid", () => {
  it("is Markdown with every cell in its column, the best of a row bold", () => {
    const lines = gridMarkdown(grid).split("\n");
    expect(lines).toContain("| acc | **0.12** (0.1–0.2, n 5) | – |");
    expect(lines[2]).toBe("|  | one | t\\|wo |");
  });

  it("is a page that escapes what it shows", () => {
    const { document } = parseHTML(gridPage("Results", [grid]));
    expect(document.querySelector("h2")?.textContent).toBe(grid.title);
    expect(document.querySelectorAll("td").length).toBe(2);
    expect(document.querySelector("td.shade-1 .best")?.textContent).toBe("0.12");
    expect(document.querySelectorAll("script").length).toBe(0);
  });

  it("is an SVG as wide as its text, with the best of a row bold", () => {
    const { document } = parseHTML(gridSvg(grid));
    const texts = [...document.querySelectorAll("text")];
    const svg = document.querySelector("svg");
    const width = Number(svg?.getAttribute("width"));
    expect(texts.map((one) => one.textContent)).toContain("0.1–0.2, n 5");
    for (const one of texts) expect(Number(one.getAttribute("x"))).toBeLessThan(width);
    const best = texts.find((one) => one.textContent === "0.12");
    expect(best?.getAttribute("font-weight")).toBe("700");
    const lowest = Math.max(...texts.map((one) => Number(one.getAttribute("y"))));
    expect(lowest).toBeLessThan(Number(svg?.getAttribute("height")));
  });
});
