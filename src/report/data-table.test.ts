import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { dataTable } from "./data-table.ts";
import { html } from "./html.ts";
import { style } from "./style.ts";

const { document } = parseHTML(
  `<html><body>${
    dataTable({
      label: "Accuracies",
      caption: "in percent",
      heads: [{ title: "model" }, { title: "clean" }, { title: "pgd", detail: "ε 0.1" }],
      lines: [
        { head: "a<b", cells: [{ content: html`<b>1</b>`, tint: 0.5 }, "0"] },
        { head: "c", cells: [{ content: null, span: 2, className: "empty" }] },
      ],
    }).markup
  }</body></html>`,
);
const cells = [...document.querySelectorAll("td")];

describe("a table of a report", () => {
  it("repeats the head of its column in every cell, which a phone shows beside the value", () => {
    const labels = cells.map((cell) => cell.getAttribute("data-label"));
    expect(labels).toEqual(["clean", "pgd, ε 0.1", "clean"]);
    expect(style).toContain("content: attr(data-label)");
  });

  it("escapes heads, tints by a share in percent, and spans columns", () => {
    expect(document.querySelector("tbody th")?.textContent).toBe("a<b");
    expect(cells[0].getAttribute("style")).toBe("--value:50.0");
    expect(cells[2].getAttribute("colspan")).toBe("2");
  });

  it("breaks no word of a cell in print", () => {
    const [, print] = style.split("@media print");
    expect(print).not.toMatch(/td[^{}]*\{[^}]*overflow-wrap: anywhere/);
  });
});
