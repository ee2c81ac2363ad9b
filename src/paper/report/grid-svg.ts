// A grid as an SVG drawing, for a page that cannot hold HTML.
import { html, type Markup, trusted } from "../../report/html.ts";
import type { Grid, GridCell, GridRow } from "./grid.ts";

// SVG has no layout, so widths of text are estimated. A character of the system's sans-serif is about 0.58 em wide.
const EM = 13;
const widthOf = (text: string, size = EM) => 0.58 * size * [...text].length;

/** Sizes of the title and of details, and the space at the sides of the title. */
const TITLE = 15;
const DETAIL = 9;
const MARGIN = 16;

const SOFT = ' fill="#56606b"';

/** The right edge of each column, and the width of the drawing. */
interface Columns {
  readonly right: readonly number[];
  readonly width: number;
}

function columnsOf({ title, columns, rows }: Grid): Columns {
  const cellWidth = ({ text, detail = "" }: GridCell) =>
    Math.max(widthOf(text), widthOf(detail, DETAIL));
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
  const content = (right.at(-1) ?? first) + 16;
  return {
    right,
    width: Math.ceil(Math.max(content, 1.08 * widthOf(title, TITLE) + 2 * MARGIN)),
  };
}

/** Writes a drawing from top to bottom; `y` is the baseline of the next text. */
class GridDrawing {
  readonly parts: Markup[] = [];
  y = 28;
  readonly #columns: Columns;

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  text(x: number, size: number, text: string, attributes: string): void {
    this.parts.push(
      html`<text x="${x.toFixed(1)}" y="${this.y.toFixed(1)}" font-size="${size}"${trusted(attributes)}>${text}</text>`,
    );
  }

  /** One text per column, aligned to the right. */
  cells(size: number, cells: readonly { readonly text: string; readonly attributes: string }[]) {
    cells.forEach(({ text, attributes }, i) => {
      this.text(this.#columns.right[i], size, text, ` text-anchor="end"${attributes}`);
    });
  }

  row({ label, cells }: GridRow): void {
    this.y += 9;
    const line = this.y.toFixed(1);
    this.parts.push(
      html`<line x1="12" x2="${this.#columns.width - 12}" y1="${line}" y2="${line}" stroke="#d5dae0"/>`,
    );
    this.y += 16;
    this.text(12, EM, label, cells.length === 0 ? `${SOFT} font-style="italic"` : "");
    this.cells(
      EM,
      cells.map(({ text, best }) => ({ text, attributes: best ? ' font-weight="700"' : "" })),
    );
    if (!cells.some(({ detail }) => detail)) return;
    this.y += 12;
    this.cells(
      DETAIL,
      cells.map(({ detail = "" }) => ({ text: detail, attributes: SOFT })),
    );
  }

  note(note: string): void {
    for (const line of wrapped(note, Math.floor((this.#columns.width - 24) / (0.52 * 11)))) {
      this.y += 15;
      this.text(12, 11, line, SOFT);
    }
    this.y += 4;
  }
}

/** The table as an SVG drawing, black on white; the best of a row is bold. */
export function gridSvg(grid: Grid): string {
  const { title, columns, rows, notes } = grid;
  const layout = columnsOf(grid);
  const drawing = new GridDrawing(layout);
  drawing.text(12, TITLE, title, ' font-weight="600"');
  drawing.y += 28;
  drawing.cells(
    EM,
    columns.map((text) => ({ text, attributes: ' font-weight="600"' })),
  );
  for (const row of rows) drawing.row(row);
  drawing.y += 8;
  for (const note of notes) drawing.note(note);
  const { width } = layout;
  const height = Math.ceil(drawing.y + 14);
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, 'DejaVu Sans', sans-serif" role="img" aria-label="${title}"><rect width="100%" height="100%" fill="#ffffff"/>
${drawing.parts}
</svg>
`.markup;
}

/** Text in lines of at most `maxLength` characters, broken between words. */
function wrapped(text: string, maxLength: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= maxLength)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
