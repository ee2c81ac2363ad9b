import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { defined } from "../math/defined.ts";
import { html, type Markup, trusted } from "./html.ts";

/** A point in data units, with its 95 % interval if known. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly low?: number;
  readonly high?: number;
}

/** A line of a chart. */
export interface Series {
  readonly name: string;
  /** Index of the model in the report. It selects colour and symbol, the same in every chart. */
  readonly place: number;
  readonly dashed?: boolean;
  /** `line` through the points, which is the default; `steps`, each value holding up to its point; `dots` without a line. */
  readonly shape?: "line" | "steps" | "dots";
  readonly points: readonly Point[];
}

/** A line chart. */
export interface Chart {
  readonly title: string;
  /** Labels of the axes. */
  readonly x: string;
  readonly y: string;
  /** Whether y is a share in [0, 1], shown in percent. */
  readonly share: boolean;
  /** Whether x, which is then positive, has a logarithmic axis to base 2. */
  readonly log?: boolean;
  readonly series: readonly Series[];
}

const symbols = ["circle", "square", "triangle", "diamond", "star", "wye", "cross"] as const;
const glyphs = ["●", "■", "▲", "◆", "★", "⅄", "✚"];

/** Number of series colours in the style sheet. */
const COLORS = 8;
const color = (place: number) => `var(--series-${(place % COLORS) + 1})`;

/** With more points than this a line has no dots. */
const MAX_DOTS = 24;

function marks({ points, place, dashed = false, shape = "line" }: Series): Plot.Markish[] {
  const paint = color(place);
  const banded = points.filter(({ low, high }) => low !== undefined && high !== undefined);
  const drawn: Plot.Markish[] = [];
  if (shape === "dots")
    drawn.push(Plot.ruleX(banded, { x: "x", y1: "low", y2: "high", stroke: paint }));
  else
    drawn.push(
      Plot.areaY(banded, { x: "x", y1: "low", y2: "high", fill: paint, fillOpacity: 0.16 }),
      Plot.lineY(points, {
        x: "x",
        y: "y",
        stroke: paint,
        strokeWidth: 2,
        strokeDasharray: dashed ? "5 4" : undefined,
        curve: shape === "steps" ? "step-before" : undefined,
      }),
    );
  if (shape === "dots" || (shape === "line" && points.length <= MAX_DOTS && !dashed))
    drawn.push(
      Plot.dot(points, {
        x: "x",
        y: "y",
        fill: paint,
        r: 4,
        symbol: symbols[place % symbols.length],
      }),
    );
  return drawn;
}

/** The horizontal axis: on a logarithmic one every x has a tick, whole numbers have no decimals. */
function xScale(label: string, xs: readonly number[], log: boolean): Plot.ScaleOptions {
  const tickFormat = xs.every(Number.isInteger) ? "d" : undefined;
  if (log)
    return defined({ label, ticks: [...new Set(xs)], type: "log" as const, base: 2, tickFormat });
  const ticks = tickFormat === undefined ? 6 : Math.min(10, Math.max(...xs));
  return defined({ label, ticks, tickFormat });
}

/** The chart as inline SVG in the colours of the style sheet. Its title is also the text alternative. */
export function chartMarkup({ title, x, y, share, log = false, series }: Chart): Markup {
  const { document } = parseHTML("<html></html>");
  const xs = series.flatMap(({ points }) => points.map((point) => point.x));
  const svg = Plot.plot({
    document,
    width: 480,
    height: 300,
    marginLeft: 48,
    marginBottom: 40,
    style: { fontSize: "12px", background: "none" },
    x: xScale(x, xs, log),
    y: share
      ? { label: y, grid: true, zero: true, domain: [0, 1], tickFormat: ".0%" }
      : { label: y, grid: true, zero: true },
    marks: [Plot.ruleY([0]), ...series.flatMap(marks)],
  });
  // Plot's own ariaLabel would not be escaped: linkedom writes < and & in attributes unchanged.
  const drawn = html`<svg role="img" aria-label="${title}" ${trusted(svg.outerHTML.slice("<svg ".length))}`;
  return html`<figure class="chart"><figcaption>${title}</figcaption>${drawn}</figure>`;
}

/** A list of models with their colours and symbols; `places` are their indices in the report. */
export const legend = (
  names: readonly string[],
  places: readonly number[] = [...names.keys()],
): Markup =>
  html`<ul class="legend">${names.map(
    (name, i) =>
      html`<li><span class="glyph" style="color:${color(places[i])}" aria-hidden="true">${glyphs[places[i] % glyphs.length]}</span> ${name}</li>`,
  )}</ul>`;
