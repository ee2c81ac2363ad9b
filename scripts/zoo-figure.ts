// The figure of docs/results/zoo.md: what a prediction costs, and at which radius half of the images break.
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { dataNames, type Numbered } from "./zoo-page.ts";

interface Point {
  readonly number: number;
  readonly data: string;
  readonly macs: number;
  /** In steps of 1/255. */
  readonly radius: number;
}

/** Models that are right on fewer images than this say nothing about robustness. */
const MIN_CLEAN = 0.4;

function pointsOf(models: readonly Numbered[]): Point[] {
  return models.flatMap(({ number, model, audit: { facts } }) => {
    const median = facts?.smallest.find(({ norm }) => norm === "linf")?.median;
    if (facts === null || median == null || median <= 0 || facts.clean < MIN_CLEAN) return [];
    return [
      {
        number,
        data: dataNames[model.data],
        macs: facts.macs,
        radius: 255 * median,
      },
    ];
  });
}

/** The figure as the text of an SVG file. Equal results give equal bytes. */
export function zooFigure(models: readonly Numbered[]): string {
  const points = pointsOf(models);
  const macs = points.map((point) => point.macs);
  const [least, most] = [Math.min(...macs) / 1.5, Math.max(...macs) * 1.8];
  const { document } = parseHTML("<html></html>");
  const fill = "#0067a8";
  const svg = Plot.plot({
    document,
    width: 900,
    height: 380,
    marginTop: 28,
    marginLeft: 52,
    marginBottom: 44,
    style: { fontSize: "12px", fontFamily: "Helvetica, Arial, sans-serif", background: "white" },
    fx: { label: null, domain: Object.values(dataNames) },
    x: {
      type: "log",
      domain: [least, most],
      label: "multiply-accumulate operations of a prediction",
      ticks: [1e4, 1e5, 1e6, 1e7].filter((tick) => least < tick && tick < most),
      tickFormat: "~s",
    },
    y: {
      type: "log",
      label: "half of the images break at ℓ∞ …/255",
      labelAnchor: "center",
      labelArrow: "none",
      grid: true,
      domain: [0.2, 255],
      ticks: [0.5, 1, 2, 5, 10, 20, 50, 100, 200],
      tickFormat: String,
    },
    marks: [
      Plot.frame({ stroke: "#b8bec4" }),
      Plot.dot(points, { fx: "data", x: "macs", y: "radius", fill, r: 3.5 }),
      Plot.text(points, {
        fx: "data",
        x: "macs",
        y: "radius",
        text: ({ number }: Point) => String(number),
        dx: 7,
        textAnchor: "start",
        fontSize: 10,
        fill: "#1b1f24",
      }),
    ],
  });
  const drawn = svg.outerHTML
    .replace(/\d+\.\d{3,}/g, (digits: string) => String(Number(Number(digits).toFixed(2))))
    .slice("<svg ".length);
  const namespace = drawn.includes("xmlns=") ? "" : 'xmlns="http://www.w3.org/2000/svg" ';
  return `<svg ${namespace}${drawn}\n`;
}
