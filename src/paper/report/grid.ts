// A table of results as data, and the same table as Markdown, HTML and SVG.
import { html, type Markup, trusted } from "../../report/html.ts";

/** One cell: what is read first, and what stands small beneath it. */
export interface GridCell {
  readonly text: string;
  readonly detail?: string;
  /** Drawn as a weakness: red in HTML and SVG, bold in Markdown. */
  readonly low?: boolean;
}

/** One line of a grid; a heading has no cells and stands across. */
export interface GridRow {
  readonly label: string;
  readonly cells: readonly GridCell[];
}

/** A table with its title, the sentences beneath it, and its rows. */
export interface Grid {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly GridRow[];
  readonly notes: readonly string[];
}

const bar = (text: string): string => text.replaceAll("|", "\\|");

/** GitHub's Markdown; a cell's detail stands in brackets, a weakness is bold. */
export function gridMarkdown({ title, columns, rows, notes }: Grid): string {
  const cell = ({ text, detail, low }: GridCell) =>
    bar(
      `${low ? `**${text}**` : text}${detail === undefined || detail === "" ? "" : ` (${detail})`}`,
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

const style = `:root { color-scheme: light dark; --ink: #1b1f24; --soft: #56606b; --paper: #fff; --line: #d5dae0; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaef; --soft: #a0abb7; --paper: #0f1318; --line: #313a45; --bad: #ff8a80; } }
body { margin: 2rem; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; text-align: right; border-top: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
th:first-child { text-align: left; } small { display: block; color: var(--soft); font-size: .75rem; } .low { color: var(--bad); font-weight: 600; }
tr.part th { padding-top: 1rem; color: var(--soft); } p { max-width: 60rem; } figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; }
@media (max-width: 40rem) { body { margin: 1rem; } th, td { padding: .25rem .3rem; font-size: .75rem; white-space: normal; overflow-wrap: anywhere; } }
@page { size: A4 landscape; margin: 12mm; } @media print { body { margin: 0; } .scroll { overflow: visible; } tr, figure { break-inside: avoid; } th, td { padding: 2pt 3pt; font-size: 8pt; white-space: normal; } }`;

function gridTable({ title, columns, rows }: Grid): Markup {
  const cell = ({ text, detail, low }: GridCell) =>
    html`<td><span${trusted(low ? ' class="low"' : "")}>${text}</span>${detail ? html`<small>${detail}</small>` : null}</td>`;
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${title}"><table><thead><tr><th scope="col"></th>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(({ label, cells }) =>
    cells.length === 0
      ? html`<tr class="part"><th scope="rowgroup" colspan="${columns.length + 1}">${label}</th></tr>`
      : html`<tr><th scope="row">${label}</th>${cells.map(cell)}</tr>`,
  )}</tbody></table></div>`;
}

/** Grids and drawings as one HTML page: no script, nothing loaded. `figures` are finished SVG. */
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

// Widths of text are estimated: an SVG has no layout. Digits of the system's sans-serif are 0.56 em wide.
const EM = 13;
const widthOf = (text: string, size = EM) => 0.58 * size * [...text].length;

/** Of a drawing: the size of its title, and the space at its sides. */
const TITLE = 15;
const MARGIN = 16;

/** The table as an SVG drawing, for a page that cannot hold HTML; black on white, weaknesses red. */
export function gridSvg({ title, columns, rows, notes }: Grid): string {
  const cellWidth = ({ text, detail = "" }: GridCell) =>
    Math.max(widthOf(text), widthOf(detail, 9));
  const first = Math.max(
    ...rows.map(({ label, cells }) => (cells.length > 0 ? widthOf(label) : 0)),
  );
  const widths = columns.map((name, i) =>
    Math.max(
      widthOf(name),
      ...rows.flatMap(({ cells }) => (i < cells.length ? cellWidth(cells[i]) : [])),
    ),
  );
  const right: number[] = [];
  for (const width of widths) right.push((right.at(-1) ?? first + 12) + width + 16);
  const width = Math.ceil(
    Math.max((right.at(-1) ?? first) + 16, 1.08 * widthOf(title, TITLE) + 2 * MARGIN),
  );
  const parts: Markup[] = [];
  let y = 28;
  const put = (x: number, size: number, text: string, more: string) =>
    parts.push(
      html`<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}"${trusted(more)}>${text}</text>`,
    );
  put(12, 15, title, ' font-weight="600"');
  y += 28;
  columns.forEach((name, i) => {
    put(right[i], EM, name, ' text-anchor="end" font-weight="600"');
  });
  for (const { label, cells } of rows) {
    const tall = cells.some(({ detail }) => detail);
    y += 9;
    parts.push(
      html`<line x1="12" x2="${width - 12}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" stroke="#d5dae0"/>`,
    );
    y += 16;
    put(12, EM, label, cells.length === 0 ? ' fill="#56606b" font-style="italic"' : "");
    cells.forEach(({ text, low }, i) => {
      put(
        right[i],
        EM,
        text,
        ` text-anchor="end"${low ? ' fill="#b3261e" font-weight="600"' : ""}`,
      );
    });
    if (!tall) continue;
    y += 12;
    cells.forEach(({ detail = "" }, i) => {
      put(right[i], 9, detail, ' text-anchor="end" fill="#56606b"');
    });
  }
  y += 8;
  for (const note of notes) {
    for (const line of wrapped(note, Math.floor((width - 24) / (0.52 * 11)))) {
      y += 15;
      put(12, 11, line, ' fill="#56606b"');
    }
    y += 4;
  }
  const height = Math.ceil(y + 14);
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, 'DejaVu Sans', sans-serif" role="img" aria-label="${title}"><rect width="100%" height="100%" fill="#ffffff"/>
${parts}
</svg>
`.markup;
}

/** Text in lines of at most `most` characters, broken between words. */
function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
