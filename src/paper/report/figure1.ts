// Figure 1: two balls of equal area in the plane, and classifiers trained against one of them and attacked in both.

import * as Plot from "@observablehq/plot";
import {
  adversarialMark,
  type Ball,
  circle,
  closed,
  outlineMark,
  type PlanePoint,
  square,
  starMark,
  swatches,
  xy,
} from "../../report/marks.ts";
import { type Panel, paint, panelFigure, type Window } from "../../report/panels.ts";
import type { Figure1Data } from "./figure1-data.ts";

const regions = ["#e9edf1", "#fbf0c9"] as const;
const thin = { strokeWidth: 0.8, strokeOpacity: 0.55 } as const;
const dashed = { strokeWidth: 2, strokeDasharray: "5 3" } as const;
const tints = { linf: "#f3c3a2", l2: "#a9cfea", both: "#dfe3e8" } as const;

/** `37 %`; shares near 0 and 1 are `<1 %` and `>99 %`, so that 0 % and 100 % are exact. */
function percent(share: number): string {
  const value = 100 * share;
  if (value > 0 && value < 1) return "<1\u00a0%";
  if (value > 99 && value < 100) return ">99\u00a0%";
  return `${Math.round(value)}\u00a0%`;
}

const outline = (data: Figure1Data, ball: Ball, at: PlanePoint): readonly PlanePoint[] =>
  ball === "linf" ? square(at, data.epsilonLinf) : circle(at, data.epsilonL2);

/** A square window with sides of `size` × ε∞; the example is centred, `above` × ε∞ above the lower edge. */
const around = ({ example, epsilonLinf }: Figure1Data, size: number, above: number): Window => {
  const [x, y] = example.point;
  const low = y - above * epsilonLinf;
  return {
    x: [x - (size / 2) * epsilonLinf, x + (size / 2) * epsilonLinf],
    y: [low, low + size * epsilonLinf],
  };
};

const axes = { x: "feature 1", y: "feature 2" } as const;

const label = (text: string, at: PlanePoint, options: Plot.TextOptions = {}): Plot.Markish =>
  Plot.text([at], {
    ...xy,
    text: [text],
    fontSize: 12,
    stroke: "#ffffff",
    strokeWidth: 3,
    fill: paint.ink,
    ...options,
  });

/** Panel (a): the two balls without a classifier. */
function ballsPanel(data: Figure1Data): Panel {
  const { example, epsilonLinf: half, epsilonL2: radius, overlap } = data;
  const [x, y] = example.point;
  const clamped = (v: number, centre: number) =>
    Math.min(Math.max(v, centre - half), centre + half);
  // The disc contains no corner of the square, so clamping its outline to the square gives their intersection.
  const both = circle([x, y], radius, 720).map(([a, b]) => [clamped(a, x), clamped(b, y)] as const);
  const diagonal = (length: number): PlanePoint => [
    x - length * Math.SQRT1_2,
    y - length * Math.SQRT1_2,
  ];
  return {
    title: "(a) Two balls of equal area",
    window: around(data, 3.2, 1.6),
    labels: axes,
    ticks: 5,
    marks: [
      Plot.line(circle([x, y], radius), { ...closed, fill: tints.l2 }),
      Plot.line(square([x, y], half), { ...closed, fill: tints.linf }),
      Plot.line(both, { ...closed, fill: tints.both }),
      outlineMark("l2", circle([x, y], radius)),
      outlineMark("linf", square([x, y], half)),
      Plot.line([[x, y] as const, [x + half, y] as const], { ...xy, stroke: paint.linf }),
      Plot.line([[x, y] as const, diagonal(radius)], { ...xy, stroke: paint.l2 }),
      label("ε∞", [x + half / 2, y], { dy: -9, fill: paint.linf }),
      label("ε₂", diagonal(radius / 2), { dx: 12, dy: 6, fill: paint.l2 }),
      label("only in the ℓ∞ ball", [x + half, y + half], {
        dx: 36,
        dy: -12,
        textAnchor: "end",
        fill: paint.linf,
      }),
      label("only in the ℓ2 ball", [x, y - radius], { dy: 14, fill: paint.l2 }),
      starMark([x, y]),
    ],
    notes: [
      `ε∞ = ${half}, ε₂ = 2ε∞/√π = ${radius.toFixed(4)}`,
      `in the plane, ${percent(overlap)} of either ball is in both`,
    ],
  };
}

const names = { linf: "ℓ∞", l2: "ℓ2" } as const;

/** Panels (b) and (c): a classifier, the balls of the norm in which it was trained, and one ball of the other norm. */
function trainedPanel(data: Figure1Data, letter: string, trained: Ball): Panel {
  const classifier = data.classifiers.find(({ defense }) => defense === `at-${trained}`);
  if (classifier === undefined) throw new Error(`internal: no classifier at-${trained} to draw`);
  const other = trained === "linf" ? "l2" : "linf";
  const { grid, example, clusters, points } = data;
  const placed = { width: grid.columns, height: grid.rows, x1: grid.x[0], x2: grid.x[1] };
  const field = { ...placed, y1: grid.y[0], y2: grid.y[1], thresholds: [0], clip: true };
  const { drawn, clean } = classifier;
  const margins = grid.margins[classifier.defense];
  const others = clusters.filter(({ point }) => {
    const [dx, dy] = [point[0] - example.point[0], point[1] - example.point[1]];
    return Math.hypot(dx, dy) > data.epsilonLinf;
  });
  const view = around(data, 3.8, 1.35);
  const [left, inset] = [view.x[0], 0.12 * data.epsilonLinf];
  const region = (name: string, y: number): Plot.Markish =>
    label(`decides: ${name}`, [left + inset, y], { textAnchor: "start", fill: paint.soft });
  return {
    title: `(${letter}) Trained against ${names[trained]} (AT-${names[trained]})`,
    window: view,
    labels: axes,
    ticks: 5,
    marks: [
      Plot.frame({ fill: regions[0] }),
      Plot.contour(margins, { ...field, fill: regions[1] }),
      ...others.map(({ point }) => outlineMark(trained, outline(data, trained, point), thin)),
      outlineMark(trained, outline(data, trained, example.point)),
      outlineMark(other, outline(data, other, example.point), dashed),
      Plot.contour(margins, { ...field, stroke: paint.ink, strokeWidth: 2.5 }),
      region(data.classes[0], view.y[0] + inset),
      region(data.classes[1], view.y[1] - inset),
      Plot.dot(points, {
        x: ({ point }) => point[0],
        y: ({ point }) => point[1],
        r: 1.6,
        clip: true,
        fill: paint.ink,
      }),
      starMark(example.point),
      adversarialMark(trained, drawn[trained].point, drawn[trained].broken),
      adversarialMark(other, drawn[other].point, drawn[other].broken),
    ],
    notes: [
      `test points misclassified: clean ${percent(1 - clean)},`,
      `under PGD-ℓ∞ ${percent(classifier.linf.broken)}, under PGD-ℓ2 ${percent(classifier.l2.broken)}`,
      `PGD-${names[other]} examples outside the ${names[trained]} ball: ${percent(classifier[other].outsideOther)}`,
    ],
  };
}

const undefended = ({ classifiers }: Figure1Data): readonly string[] =>
  classifiers
    .filter(({ defense }) => defense === "standard")
    .map(
      ({ linf, l2 }) =>
        `Undefended, the same network misclassifies ${percent(linf.broken)} under PGD-ℓ∞ and ${percent(l2.broken)} under PGD-ℓ2.`,
    );

/** Claims of the figure that do not hold for the example drawn. */
const missed = ({ example }: Figure1Data): readonly string[] => {
  const claims = Object.entries(example.claims);
  const wrong = claims.flatMap(([claim, holds]) => (holds ? [] : [claim]));
  return wrong.length === 0 ? [] : [`NOT true of the example drawn: ${wrong.join("; ")}.`];
};

/** The figure as the text of an SVG file. */
export function figure1Svg(data: Figure1Data): string {
  const panels = [ballsPanel(data), trainedPanel(data, "b", "linf"), trainedPanel(data, "c", "l2")];
  const { training, attacks, testExamples, seed } = data;
  return panelFigure({
    title: "Figure 1: two balls of equal area, and classifiers trained against each",
    description: panels.map(({ title, notes }) => `${title}: ${notes.join(" ")}`).join(". "),
    panels,
    legend: [
      { swatch: swatches.linf, text: "ℓ∞ ball" },
      { swatch: swatches.l2, text: "ℓ2 ball" },
      { swatch: swatches.line, text: "decision boundary" },
      { swatch: swatches.star, text: "example" },
      { swatch: swatches.adversarial(true), text: "PGD-ℓ∞ and PGD-ℓ2: misclassified" },
      { swatch: swatches.adversarial(false), text: "PGD-ℓ∞ and PGD-ℓ2: withstood" },
    ],
    footnotes: [
      "(b), (c): solid lines are the balls that the classifier was trained against, thin around neighbouring clusters; the dashed line is the other ball. Dots are test points.",
      `Computed: ${training.model}, ${training.steps} steps of adversarial training each; then PGD with ${attacks.steps} steps and ${attacks.restarts} restarts on ${testExamples} test points; seed ${seed}. ${undefended(data).join(" ")}`,
      ...missed(data),
    ],
  });
}
