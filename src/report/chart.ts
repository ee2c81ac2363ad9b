import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { html, type Markup, trusted } from "./html.ts";

/** A point with its 95 % interval, if it has one. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly low?: number;
  readonly high?: number;
}

/** A line of a chart. */
export interface Series {
  readonly name: string;
  /** Place among the models: it chooses colour and symbol, the same in every chart of a report. */
  readonly place: number;
  readonly dashed?: boolean;
  readonly points: readonly Point[];
}

/** What a chart shows and how it is read. */
export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly share: boolean;
  /** Whether x, all positive, goes up by doubling. */
  readonly log?: boolean;
  readonly series: readonly Series[];
}

const symbols = ["circle", "square", "triangle", "diamond", "star", "wye", "cross"] as const;
const glyphs = ["●", "■", "▲", "◆", "★", "⅄", "✚"];

/** Colours of the style sheet. */
const COLORS = 8;
const color = (place: number) => `var(--series-${(place % COLORS) + 1})`;

function marks({ points, place, dashed = false }: Series): Plot.Markish[] {
  const paint = color(place);
  const banded = points.filter(({ low, high }) => low !== undefined && high !== undefined);
  const few = points.length <= 24;
  return [
    Plot.areaY(banded, { x: "x", y1: "low", y2: "high", fill: paint, fillOpacity: 0.16 }),
    Plot.lineY(points, {
      x: "x",
      y: "y",
      stroke: paint,
      strokeWidth: 2,
      ...(dashed ? { strokeDasharray: "5 4" } : {}),
    }),
    ...(few && !dashed
      ? [
          Plot.dot(points, {
            x: "x",
            y: "y",
            fill: paint,
            r: 4,
            symbol: symbols[place % symbols.length],
          }),
        ]
      : []),
  ];
}

/** The chart as inline SVG with the colours of the style sheet; its title is also its text alternative. */
export function chartMarkup({ title, x, y, share, log = false, series }: Chart): Markup {
  const { document } = parseHTML("<html></html>");
  const xs = series.flatMap(({ points }) => points.map((point) => point.x));
  const whole = xs.every(Number.isInteger);
  const svg = Plot.plot({
    document,
    width: 480,
    height: 300,
    marginLeft: 48,
    marginBottom: 40,
    style: { fontSize: "12px", background: "none" },
    x: {
      label: x,
      ticks: log ? [...new Set(xs)] : whole ? Math.min(10, Math.max(...xs)) : 6,
      ...(log && { type: "log", base: 2 }),
      ...(whole && { tickFormat: "d" }),
    },
    y: { label: y, grid: true, zero: true, ...(share && { domain: [0, 1], tickFormat: ".0%" }) },
    marks: [Plot.ruleY([0]), ...series.flatMap(marks)],
  });
  // Not Plot's own ariaLabel: linkedom leaves < and & in attributes as they are.
  const drawn = html`<svg role="img" aria-label="${title}" ${trusted(svg.outerHTML.slice("<svg ".length))}`;
  return html`<figure class="chart"><figcaption>${title}</figcaption>${drawn}</figure>`;
}

/** Which colour and symbol is which model. */
export const legend = (
  names: readonly string[],
  places: readonly number[] = [...names.keys()],
): Markup =>
  html`<ul class="legend">${names.map(
    (name, i) =>
      html`<li><span class="glyph" style="color:${color(places[i])}" aria-hidden="true">${glyphs[places[i] % glyphs.length]}</span> ${name}</li>`,
  )}</ul>`;
