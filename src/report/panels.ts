// Figures with several panels as one SVG file. Observable Plot draws the panels, which are then placed side by side.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { html, type Markup, trusted } from "./html.ts";

/** Colours of the norms (Okabe & Ito 2008), distinct for colour-blind readers and in grey; ink and soft are for text. */
export const paint = { linf: "#c8500a", l2: "#0067a8", ink: "#1b1f24", soft: "#56606b" } as const;

/** A rectangle of the plane, in data units. */
export interface Window {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

/** One panel: a window of the plane at equal scales, its marks, and lines of text below. */
export interface Panel {
  readonly title: string;
  readonly window: Window;
  readonly labels: { readonly x: string; readonly y: string };
  /** The approximate number of ticks of each axis. */
  readonly ticks: number;
  readonly marks: readonly Plot.Markish[];
  readonly notes: readonly string[];
}

/** An entry of the legend: a swatch of 22 × 12 units, as SVG around its centre, and its meaning. */
export interface LegendItem {
  readonly swatch: Markup;
  readonly text: string;
}

/** A whole figure. */
export interface PanelFigure {
  readonly title: string;
  /** The text alternative. */
  readonly description: string;
  readonly panels: readonly Panel[];
  readonly legend: readonly LegendItem[];
  /** An image for the upper right corner, as a data URI. */
  readonly image?: string;
  /** Lines below the panels. */
  readonly footnotes: readonly string[];
}

const PANEL = 350;
const MARGIN = { left: 52, right: 12, top: 8, bottom: 42 };
const [PAD, LINE, TITLE, THUMBNAIL] = [14, 16, 30, 56];

/** The approximate width of text in a sans-serif of `size` units. */
const textWidth = (text: string, size = 12): number => 0.52 * size * [...text].length;

/** The width of a panel's frame, in units of the figure. */
export const INNER = PANEL - MARGIN.left - MARGIN.right;

const panelHeight = ({ window: { x, y } }: Panel): number =>
  MARGIN.top + MARGIN.bottom + (INNER * (y[1] - y[0])) / (x[1] - x[0]);

/** Removes digits without a visible effect, and gives clip paths names that do not depend on other figures. */
const tidy = (svg: string, id: string): string =>
  svg
    .replace(/\d+\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(2))))
    .replace(/plot-clip-\d+/g, `${id}-clip`);

function panelMarkup(panel: Panel, id: string, x: number, y: number): Markup {
  const { document } = parseHTML("<html></html>");
  const { window, labels, ticks, marks } = panel;
  const scale = { labelAnchor: "center", labelArrow: "none", ticks } as const;
  const svg = Plot.plot({
    document,
    width: PANEL,
    height: panelHeight(panel),
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginTop: MARGIN.top,
    marginBottom: MARGIN.bottom,
    style: { fontSize: "11px", fontFamily: "inherit", background: "none" },
    x: { ...scale, domain: window.x, label: labels.x, labelOffset: 36 },
    y: { ...scale, domain: window.y, label: labels.y, labelOffset: 46 },
    marks: [...marks, Plot.frame({ stroke: paint.soft })],
  });
  const drawn = tidy(svg.outerHTML, id).slice("<svg ".length);
  return html`<svg x="${x}" y="${y}" ${trusted(drawn)}`;
}

/** Text in lines of at most about `width` units, broken between words. */
function wrapped(text: string, width: number, size = 12): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = lines.length === 0 ? word : `${lines[lines.length - 1]} ${word}`;
    if (lines.length > 0 && textWidth(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** The position [x, line] of each item, from left to right, with line breaks. */
function flow(items: readonly LegendItem[], width: number): readonly (readonly [number, number])[] {
  let [x, line] = [0, 0];
  return items.map(({ text }) => {
    const itemWidth = 28 + textWidth(text) + 18;
    if (x > 0 && x + itemWidth - 18 > width) [x, line] = [0, line + 1];
    x += itemWidth;
    return [x - itemWidth, line] as const;
  });
}

/** The figure as the text of an SVG file without external resources. Equal figures give equal bytes. */
export function panelFigure(figure: PanelFigure): string {
  const { title, description, legend, image } = figure;
  const panels = figure.panels.map((panel) => ({
    ...panel,
    notes: panel.notes.flatMap((note) => wrapped(note, INNER + PAD)),
  }));
  const width = 2 * PAD + PANEL * panels.length + PAD * (panels.length - 1);
  const footnotes = figure.footnotes.flatMap((note) => wrapped(note, width - 2 * PAD, 11));
  const free = width - 2 * PAD - (image === undefined ? 0 : THUMBNAIL + PAD);
  const places = flow(legend, free);
  const titles = wrapped(title, free, 17);
  const legendTop = PAD + TITLE + 20 * (titles.length - 1);
  const lines = 1 + Math.max(-1, ...places.map(([, line]) => line));
  const titleTop = legendTop + lines * 20 + 24;
  const plotTop = titleTop + 8;
  const notesTop = plotTop + Math.max(...panels.map(panelHeight)) + 16;
  const noteLines = Math.max(...panels.map(({ notes }) => notes.length));
  const footTop = notesTop + noteLines * LINE + 6;
  const height = Math.round(footTop + footnotes.length * LINE + PAD / 2);
  const left = (i: number) => PAD + i * (PANEL + PAD);

  const markup = html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" color="${paint.ink}" font-family="Helvetica, Arial, 'Liberation Sans', sans-serif" font-size="12">
<title>${title}</title>
<desc>${description}</desc>
<rect width="${width}" height="${height}" fill="#ffffff" />
${titles.map(
  (text, line) =>
    html`<text x="${PAD}" y="${PAD + 12 + 20 * line}" font-size="16" font-weight="bold" fill="${paint.ink}">${text}</text>
`,
)}${
  image === undefined
    ? null
    : html`<image href="${image}" x="${width - PAD - THUMBNAIL}" y="${PAD}" width="${THUMBNAIL}" height="${THUMBNAIL}" style="image-rendering:pixelated" />
`
}${legend.map(
  ({ swatch, text }, i) =>
    html`<g transform="translate(${(PAD + places[i][0]).toFixed(1)},${legendTop + 20 * places[i][1]})"><g transform="translate(11,6)">${swatch}</g><text x="28" y="10" fill="${paint.ink}">${text}</text></g>
`,
)}${panels.map(
  (
    panel,
    i,
  ) => html`<text x="${left(i) + MARGIN.left}" y="${titleTop}" font-size="13" font-weight="bold" fill="${paint.ink}">${panel.title}</text>
${panelMarkup(panel, `panel-${i + 1}`, left(i), plotTop)}
${panel.notes.map(
  (
    note,
    line,
  ) => html`<text x="${left(i) + MARGIN.left}" y="${notesTop + line * LINE}" fill="${paint.ink}">${note}</text>
`,
)}`,
)}${footnotes.map(
  (
    note,
    line,
  ) => html`<text x="${PAD}" y="${footTop + line * LINE + 6}" font-size="11" fill="${paint.soft}">${note}</text>
`,
)}</svg>
`;
  return markup.markup;
}
