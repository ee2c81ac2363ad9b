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
  /**
   * `line` through the points (default); `steps`, where each value holds up to its point; `steps-after`, where each value
   * holds from its point on; `dots` without a line.
   */
  readonly shape?: "line" | "steps" | "steps-after" | "dots" | undefined;
  /** Whether steps have a dot at each point; lines with few points always have dots. */
  readonly dotted?: boolean;
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
  /** Base of a logarithmic x axis, for positive x: base 2 has a tick at every x, base 10 at powers of ten. */
  readonly log?: 2 | 10;
  /** Shades the area between two steps: an upper bound that holds from its points on, and a lower bound up to its points. */
  readonly between?:
    | { readonly upper: readonly Point[]; readonly lower: readonly Point[] }
    | undefined;
  readonly series: readonly Series[];
}

const symbols = ["circle", "square", "triangle", "diamond", "star", "wye", "cross"] as const;
const glyphs = ["●", "■", "▲", "◆", "★", "⅄", "✚"];

/** Number of series colours in the style sheet. */
const COLORS = 8;
const color = (place: number) => `var(--series-${(place % COLORS) + 1})`;

/** Lines with more points than this have no dots. */
const MAX_DOTS = 24;

/** The curve of Plot for each shape. */
const curves = { line: "linear", steps: "step-before", "steps-after": "step-after" } as const;

/** The interval of each point: an area along a line, and a bar at an isolated point. */
const interval = (points: readonly Point[], paint: string, isLine: boolean): Plot.Markish => {
  const banded = points.filter(({ low, high }) => low !== undefined && high !== undefined);
  return isLine
    ? Plot.areaY(banded, { x: "x", y1: "low", y2: "high", fill: paint, fillOpacity: 0.16 })
    : Plot.ruleX(banded, { x: "x", y1: "low", y2: "high", stroke: paint, strokeOpacity: 0.6 });
};

function marks({ points, place, dashed = false, shape = "line", dotted }: Series): Plot.Markish[] {
  const paint = color(place);
  const drawn = [interval(points, paint, shape === "line")];
  if (shape !== "dots")
    drawn.push(
      Plot.lineY(points, {
        x: "x",
        y: "y",
        stroke: paint,
        strokeWidth: 2,
        strokeDasharray: dashed ? "5 4" : undefined,
        curve: curves[shape],
      }),
    );
  const isDotted = dotted ?? (shape === "line" && !dashed);
  if (shape === "dots" || (isDotted && points.length <= MAX_DOTS))
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

/** The area between two steps. It ends at the largest x, beyond which nothing is known. */
function shaded({ upper, lower }: NonNullable<Chart["between"]>): Plot.Markish {
  const xs = [...new Set([...upper, ...lower].map(({ x }) => x))].sort((a, b) => a - b);
  const boxes = xs.slice(1).map((x2, i) => ({
    x1: xs[i],
    x2,
    high: upper.findLast(({ x }) => x <= xs[i])?.y ?? 1,
    low: lower.find(({ x }) => x >= x2)?.y ?? 0,
  }));
  return Plot.rect(boxes, {
    x1: "x1",
    x2: "x2",
    y1: "low",
    y2: "high",
    fill: "var(--soft)",
    fillOpacity: 0.2,
    inset: 0,
  });
}

/** Powers of ten around the points, in SI units: `100k`, `1M`. */
function logTens(label: string, xs: readonly number[]): Plot.ScaleOptions {
  const exponents = xs.map(Math.log10);
  const first = Math.floor(Math.min(...exponents));
  const last = Math.max(first + 1, Math.ceil(Math.max(...exponents)));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
  return { label, type: "log", domain: [10 ** first, 10 ** last], ticks, tickFormat: "~s" };
}

/** The horizontal axis: base 2 has a tick at every x, and integers have no decimals. */
function xScale(label: string, xs: readonly number[], log: Chart["log"]): Plot.ScaleOptions {
  if (log === 10) return logTens(label, xs);
  const tickFormat = xs.every(Number.isInteger) ? "d" : undefined;
  if (log === 2)
    return defined({ label, ticks: [...new Set(xs)], type: "log" as const, base: 2, tickFormat });
  const ticks = tickFormat === undefined ? 6 : Math.min(10, Math.max(...xs));
  return defined({ label, ticks, tickFormat });
}

/** The chart as inline SVG in the colours of the style sheet. Its title is also the text alternative. */
export function chartMarkup({ title, x, y, share, log, between, series }: Chart): Markup {
  const { document } = parseHTML("<html></html>");
  const xs = series.flatMap(({ points }) => points.map((point) => point.x));
  const below = between === undefined ? [] : [shaded(between)];
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
    marks: [...below, Plot.ruleY([0]), ...series.flatMap(marks)],
  });
  // Plot sets aria-labels on groups without a role, which is not allowed, so the whole figure is one image with one label.
  // Plot's own ariaLabel would not be escaped: linkedom writes < and & in attributes unchanged.
  const shapes = svg.outerHTML
    .slice("<svg ".length)
    .replace(/ aria-label="([\w -]*)"/g, ' data-mark="$1"');
  const drawn = html`<svg role="img" aria-label="${title}" ${trusted(shapes)}`;
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
