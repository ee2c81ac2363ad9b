// A table of results as data, as Markdown and as HTML.
import { html, type Markup, trusted } from "../../report/html.ts";
import { shadeClass, shadeStyle } from "./shades.ts";

/** One cell: its value, and a detail in small print below. */
export interface GridCell {
  readonly text: string;
  readonly detail?: string;
  /** The accuracy that the text shows, which gives the cell its colour in HTML and SVG. */
  readonly value?: number;
  /** Whether it is the best value of its row: bold. */
  readonly best?: boolean;
}

/** One row of a grid; a heading has no cells and spans all columns. */
export interface GridRow {
  readonly label: string;
  readonly cells: readonly GridCell[];
}

/** A table: title, columns, rows, and the sentences below. */
export interface Grid {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly GridRow[];
  readonly notes: readonly string[];
}

const bar = (text: string): string => text.replaceAll("|", "\\|");

/** The table in GitHub's Markdown; details are in brackets, the best of a row bold. */
export function gridMarkdown({ title, columns, rows, notes }: Grid): string {
  const cell = ({ text, detail, best }: GridCell) =>
    bar(
      `${best ? `**${text}**` : text}${detail === undefined || detail === "" ? "" : ` (${detail})`}`,
    );
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    `### ${title}`,
    "",
    line(["", ...columns.map(bar)]),
    line(["---", ...columns.map(() => "---:")]),
    ...rows.map(({ label, cells }) =>
      cells.length === 0
        ? line([`*${bar(label)}*`, ...columns.map(() => "")])
        : line([bar(label), ...cells.map(cell)]),
    ),
    ...notes.flatMap((note) => ["", note]),
    "",
  ].join("\n");
}

const style = `:root { color-scheme: light dark; --ink: #1b1f24; --soft: #56606b; --paper: #fff; --line: #d5dae0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaef; --soft: #a0abb7; --paper: #0f1318; --line: #313a45; } }
body { margin: 2rem; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; text-align: right; border-top: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
th:first-child { text-align: left; } small { display: block; color: var(--soft); font-size: .75rem; } .best { font-weight: 700; text-decoration: underline; }
${shadeStyle}
tr.part th { padding-top: 1rem; color: var(--soft); } p { max-width: 60rem; } figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; }
@media (max-width: 40rem) { body { margin: 1rem; } th, td { padding: .25rem .3rem; font-size: .75rem; white-space: normal; overflow-wrap: anywhere; } }
@page { size: A4 landscape; margin: 12mm; } @media print { body { margin: 0; } .scroll { overflow: visible; } tr, figure { break-inside: avoid; } th, td { padding: 2pt 3pt; font-size: 8pt; white-space: normal; } }`;

function gridTable({ title, columns, rows }: Grid): Markup {
  const cell = ({ text, detail, value, best }: GridCell) =>
    html`<td${trusted(value === undefined ? "" : ` class="${shadeClass(value)}"`)}><span${trusted(best ? ' class="best"' : "")}>${text}</span>${detail ? html`<small>${detail}</small>` : null}</td>`;
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${title}"><table><thead><tr><th scope="col"></th>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(({ label, cells }) =>
    cells.length === 0
      ? html`<tr class="part"><th scope="rowgroup" colspan="${columns.length + 1}">${label}</th></tr>`
      : html`<tr><th scope="row">${label}</th>${cells.map(cell)}</tr>`,
  )}</tbody></table></div>`;
}

/** Grids and figures as one HTML page that has no script and loads nothing. `figures` are the texts of SVG files. */
export const gridPage = (
  title: string,
  grids: readonly Grid[],
  figures: readonly string[] = [],
): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${trusted(style)}</style></head>
<body><main><h1>${title}</h1>
${grids.map((grid) => html`<section><h2>${grid.title}</h2>${gridTable(grid)}${grid.notes.map((note) => html`<p>${note}</p>`)}</section>`)}
${figures.map((svg) => html`<figure>${trusted(svg)}</figure>`)}
</main></body></html>
`.markup;
