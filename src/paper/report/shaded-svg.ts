// Grids of accuracies as one SVG drawing of 800 pixels: a panel per grid, shaded cells, and a legend with the thresholds.
import { html, type Markup, trusted } from "../../report/html.ts";
import type { Grid, GridCell, GridRow } from "./grid.ts";
import { shadeLegend, shadeOf } from "./shades.ts";

const WIDTH = 800;
const MARGIN = 10;
/** The width of the labels of rows. */
const LABEL = 172;
const ROW = 24;
const INK = "#1b1f24";
const SOFT = "#56606b";

/** Writes panels from top to bottom; `y` is the top of what comes next. */
class Panels {
  readonly parts: Markup[] = [];
  y = 8;
  readonly #cell: number;

  constructor(columns: number) {
    this.#cell = (WIDTH - 2 * MARGIN - LABEL) / columns;
  }

  text(x: number, y: number, size: number, text: string, attributes = ""): void {
    this.parts.push(
      html`<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}"${trusted(attributes)}>${text}</text>`,
    );
  }

  #centre = (column: number): number => MARGIN + LABEL + (column + 0.5) * this.#cell;

  title(title: string): void {
    this.y += 20;
    this.text(MARGIN, this.y, 15, title, ' font-weight="600"');
    this.y += 8;
  }

  /** Names of columns, one word per line. */
  columns(names: readonly string[]): void {
    const lines = Math.max(...names.map((name) => name.split(" ").length));
    names.forEach((name, i) => {
      const words = name.split(" ");
      words.forEach((word, k) => {
        const y = this.y + 14 * (lines - words.length + k + 1);
        this.text(this.#centre(i), y, 12, word, ' text-anchor="middle" font-weight="600"');
      });
    });
    this.y += 14 * lines + 8;
  }

  row({ label, cells }: GridRow): void {
    if (cells.length === 0) {
      this.text(MARGIN, this.y + 16, 12, label, ` fill="${SOFT}" font-style="italic"`);
      this.y += ROW;
      return;
    }
    this.text(MARGIN, this.y + 16, 12, label);
    cells.forEach((cell, i) => {
      this.#cellAt(i, cell);
    });
    this.y += ROW;
  }

  #cellAt(column: number, { text, value, best }: GridCell): void {
    const x = this.#centre(column) - this.#cell / 2;
    if (value !== undefined)
      this.parts.push(
        html`<rect x="${(x + 1).toFixed(1)}" y="${(this.y + 1).toFixed(1)}" width="${(this.#cell - 2).toFixed(1)}" height="${ROW - 2}" fill="${shadeOf(value)}"${trusted(best ? ` stroke="${INK}" stroke-width="1.5"` : "")}/>`,
      );
    const weight = best ? ' font-weight="700"' : "";
    this.text(this.#centre(column), this.y + 16.5, 13, text, ` text-anchor="middle"${weight}`);
  }

  legend(): void {
    this.y += 12;
    let x = MARGIN;
    for (const { label, fill } of shadeLegend) {
      this.parts.push(
        html`<rect x="${x}" y="${this.y}" width="16" height="14" fill="${fill}" stroke="${SOFT}" stroke-width="0.5"/>`,
      );
      this.text(x + 21, this.y + 11.5, 12, label);
      x += 92;
    }
    this.parts.push(
      html`<rect x="${x + 1}" y="${this.y + 0.5}" width="15" height="13" fill="none" stroke="${INK}" stroke-width="1.5"/>`,
    );
    this.text(x + 21, this.y + 11.5, 12, "best of its row", ' font-weight="700"');
    this.y += 26;
  }
}

/** Grids of the same columns as one drawing, black on white. Intervals and notes are left to the table in Markdown. */
export function shadedSvg(grids: readonly Grid[]): string {
  const [{ columns, title }] = grids;
  const panels = new Panels(columns.length);
  for (const grid of grids) {
    panels.title(grid.title);
    panels.columns(grid.columns);
    for (const row of grid.rows) panels.row(row);
    panels.y += 6;
  }
  panels.legend();
  const height = Math.ceil(panels.y);
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, 'DejaVu Sans', sans-serif" fill="${INK}" role="img" aria-label="${title}"><rect width="100%" height="100%" fill="#ffffff"/>
${panels.parts}
</svg>
`.markup;
}
