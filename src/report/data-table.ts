import { html, type Markup } from "./html.ts";

/** A head of a column: its name and, below it in small print, a detail. */
export interface TableHead {
  readonly title: string;
  readonly detail?: string;
}

/** A cell below one head, or below `span` heads. */
export interface TableCell {
  readonly content: Markup | string | null;
  readonly className?: string;
  /** Share in [0, 1] that tints the cell. */
  readonly tint?: number;
  readonly span?: number;
}

/** A line of a table: the head of the row, then one cell per further column. */
export interface TableLine {
  readonly head: Markup | string;
  readonly cells: readonly (TableCell | string)[];
}

/** A table of a report. */
export interface DataTable {
  /** Name of the scrollable region, for screen readers. */
  readonly label: string;
  readonly caption: string;
  readonly className?: string;
  readonly heads: readonly TableHead[];
  readonly lines: readonly TableLine[];
}

const headText = ({ title, detail = "" }: TableHead): string =>
  detail === "" ? title : `${title}, ${detail}`;

function cellMarkup(cell: TableCell | string, head: TableHead): Markup {
  const {
    content,
    className = "",
    tint,
    span = 1,
  } = typeof cell === "string" ? { content: cell } : cell;
  const classes = className === "" ? null : html` class="${className}"`;
  const style = tint === undefined ? null : html` style="--value:${(100 * tint).toFixed(1)}"`;
  const colspan = span === 1 ? null : html` colspan="${span}"`;
  return html`<td data-label="${headText(head)}"${classes}${style}${colspan}>${content}</td>`;
}

/**
 * A table in a frame that scrolls sideways if necessary. On a phone each line becomes a block, in which every cell is preceded
 * by the head of its column (`data-label`).
 */
export const dataTable = ({ label, caption, className, heads, lines }: DataTable): Markup => html`
<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table class="${["data", className ?? ""].join(" ").trim()}">
<caption>${caption}</caption>
<thead><tr>${heads.map(({ title, detail }) => html`<th scope="col">${title}${detail === undefined ? null : html`<small>${detail}</small>`}</th>`)}</tr></thead>
<tbody>${lines.map(
  ({ head, cells }) => html`
<tr><th scope="row">${head}</th>${cells.map((cell, i) => cellMarkup(cell, heads[i + 1]))}</tr>`,
)}
</tbody></table></div>`;
