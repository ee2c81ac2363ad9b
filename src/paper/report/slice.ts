// Figure 1 of real classifiers: for each one the plane through an image that two adversarial examples span.

import * as Plot from "@observablehq/plot";
import { tensor } from "../../math/tensor.ts";
import {
  adversarialMark,
  circle,
  outlineMark,
  type PlanePoint,
  starMark,
  swatches,
} from "../../report/marks.ts";
import { INNER, type Panel, paint, panelFigure } from "../../report/panels.ts";
import { pngUri } from "../../report/png.ts";
import { regionLabels } from "./region-labels.ts";

/** An adversarial example: its place in the plane, the norms of its perturbation, and the predicted class. */
export interface SlicePoint {
  /** ℓ2 distances from the image along the plane's two directions, for pixels in [0, 1]. */
  readonly at: PlanePoint;
  readonly linf: number;
  readonly l2: number;
  readonly prediction: number;
}

/** The plane of one classifier. */
export interface SlicePanel {
  readonly name: string;
  /** The predicted class of the image itself. */
  readonly prediction: number;
  readonly linf: SlicePoint;
  readonly l2: SlicePoint;
  /** Cosine of the angle between the two perturbations. */
  readonly cosine: number;
  /** Corners of the plane's intersection with the ℓ∞ ball, counter-clockwise. */
  readonly section: readonly PlanePoint[];
  /** Predicted class at the centre of each cell, row by row from the bottom. */
  readonly regions: readonly number[];
  /** The logit of the predicted class minus the second highest logit, at the same points. */
  readonly leads: readonly number[];
}

/** Everything that the figure shows. */
export interface SliceData {
  readonly figure: "figure1-real";
  readonly seed: number;
  readonly label: number;
  readonly classNames: readonly string[];
  readonly epsilonLinf: number;
  readonly epsilonL2: number;
  readonly attacks: Readonly<Record<string, string | number>>;
  /** Points of the plane are not clipped: their pixels may leave [0, 1]. */
  readonly clipped: false;
  /** How the image was chosen; null if the caller gave it. */
  readonly chosen: string | null;
  /** The window is [−half, half] both ways, in `resolution`² cells. */
  readonly half: number;
  readonly resolution: number;
  /** The image, [channel, height, width] in [0, 1], to three digits; null if the figure does not show it. */
  readonly image: {
    readonly shape: readonly number[];
    readonly pixels: readonly number[];
  } | null;
  readonly panels: readonly SlicePanel[];
}

/** The colour of the right class; paler than all tints, which are pale enough for the balls to stand out. */
const RIGHT = "#f3f5f7";
const tints = [
  "#b8d4ea",
  "#f6d3a5",
  "#b9dfb9",
  "#e8c3d9",
  "#f0e6a0",
  "#c9c3e6",
  "#a9dcdc",
  "#e3c9b3",
  "#cfd4a8",
  "#d5d5d5",
];

/** Size of a label of 11 units, in units of the figure. */
const labelSize = (name: string) => ({ width: 7 * name.length + 6, height: 15 });

/** The regions of a panel, tinted by class. */
function regionMarks({ half, resolution, label }: SliceData, panel: SlicePanel): Plot.Markish[] {
  const { regions, leads } = panel;
  const field = {
    width: resolution,
    height: resolution,
    x1: -half,
    x2: half,
    y1: -half,
    y2: half,
    thresholds: [0],
    clip: true,
  };
  const tint = (value: number) => (value === label ? RIGHT : tints[value % tints.length]);
  const classes = [...new Set(regions)].sort((a, b) => a - b);
  return classes.map((value) =>
    Plot.contour(
      // The interpolation of these numbers is 0 exactly where the logits of two classes are equal.
      regions.map((one, i) => (one === value ? leads[i] : -leads[i])),
      { ...field, fill: tint(value), stroke: "#ffffff", strokeWidth: 1.2 },
    ),
  );
}

/** The names of the classes in their regions, clear of the image and of both adversarial examples. */
function labelMark(data: SliceData, { regions, linf, l2 }: SlicePanel): Plot.Markish {
  const { half, resolution: n, classNames } = data;
  const cell = INNER / n;
  const center = (i: number) => ((i + 0.5) / n) * 2 * half - half;
  const cellOf = (v: number) => ((v + half) / (2 * half)) * n - 0.5;
  const marked: readonly PlanePoint[] = [[0, 0], linf.at, l2.at];
  const box = (value: number) => {
    const { width, height } = labelSize(classNames[value]);
    return { width: width / cell, height: height / cell };
  };
  const keepClear = marked.map(([x, y]) => [cellOf(x), cellOf(y)] as const);
  return Plot.text(regionLabels(regions, n, box, keepClear), {
    x: ({ column }) => center(column),
    y: ({ row }) => center(row),
    text: ({ value }) => classNames[value],
    fill: paint.soft,
  });
}

/** Two notes on the result of PGD in one norm: the prediction, and the size in the other norm. */
function attackNotes(data: SliceData, norm: "linf" | "l2", point: SlicePoint): readonly string[] {
  const { classNames, label, epsilonL2, epsilonLinf } = data;
  const { prediction, linf, l2 } = point;
  const verdict = prediction === label ? "withstood" : `taken for ${classNames[prediction]}`;
  const inL2 = l2 <= epsilonL2 ? "inside" : "outside";
  const inLinf = linf <= epsilonLinf ? "inside" : "outside";
  return norm === "linf"
    ? [`PGD-ℓ∞: ${verdict}`, `‖δ‖₂ = ${l2.toFixed(2)}, ${inL2} the ℓ2 ball`]
    : [`PGD-ℓ2: ${verdict}`, `‖δ‖∞ = ${linf.toFixed(3)}, ${inLinf} the ℓ∞ ball`];
}

function slicePanel(data: SliceData, panel: SlicePanel, letter: string): Panel {
  const { half, epsilonL2, label, classNames } = data;
  const { name, section, linf, l2, prediction } = panel;
  return {
    title: `(${letter}) ${name}`,
    window: { x: [-half, half], y: [-half, half] },
    labels: {
      x: "ℓ2 distance along the PGD-ℓ∞ perturbation",
      y: "ℓ2 distance at right angles to it",
    },
    ticks: 7,
    marks: [
      Plot.frame({ fill: RIGHT }),
      ...regionMarks(data, panel),
      labelMark(data, panel),
      outlineMark("linf", section),
      outlineMark("l2", circle([0, 0], epsilonL2)),
      starMark([0, 0]),
      adversarialMark("linf", linf.at, linf.prediction !== label),
      adversarialMark("l2", l2.at, l2.prediction !== label),
    ],
    notes: [
      `the image itself: ${prediction === label ? "right" : `taken for ${classNames[prediction]}`}`,
      ...attackNotes(data, "linf", linf),
      ...attackNotes(data, "l2", l2),
    ],
  };
}

/** The figure as the text of an SVG file, one panel per classifier. */
export function sliceSvg(data: SliceData): string {
  const { image, classNames, label, epsilonLinf, epsilonL2, attacks, seed, chosen } = data;
  const panels = data.panels.map((panel, i) =>
    slicePanel(data, panel, "abcdefgh"[i] ?? `${i + 1}`),
  );
  return panelFigure({
    title: `Figure 1 on a real image (${classNames[label]}): the plane of both attacks`,
    description: panels.map(({ title, notes }) => `${title}: ${notes.join("; ")}`).join(". "),
    panels,
    image: image === null ? undefined : pngUri(tensor([1, ...image.shape], image.pixels), 0),
    legend: [
      { swatch: swatches.linf, text: `ℓ∞ ball, radius ${epsilonLinf}, cut by the plane` },
      { swatch: swatches.l2, text: `ℓ2 ball, radius ${epsilonL2}` },
      { swatch: swatches.star, text: "image" },
      { swatch: swatches.adversarial(true), text: "PGD-ℓ∞ and PGD-ℓ2: misclassified" },
      { swatch: swatches.adversarial(false), text: "PGD-ℓ∞ and PGD-ℓ2: withstood" },
      {
        swatch: swatches.box(RIGHT),
        text: `decides: ${classNames[label]}, which is right; tinted: another class`,
      },
    ],
    footnotes: [
      "Each classifier has its own plane. Distances are for pixels in [0,\u00a01]. Adversarial examples are clipped to [0,\u00a01]; other points of the plane are not.",
      `PGD with ${attacks.steps} steps and ${attacks.restarts} restarts; seed ${seed}.`,
    ].concat(chosen ?? []),
  });
}
