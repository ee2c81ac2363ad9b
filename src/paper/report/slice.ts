// Figure 1 of a real classifier: the plane through an image that its two adversarial examples span.

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

/** An adversarial example: where it lies in the plane, how long its perturbation is, and what it is taken for. */
export interface SlicePoint {
  /** ℓ2 distances from the image along the plane's two directions, pixels in [0, 1]. */
  readonly at: PlanePoint;
  readonly linf: number;
  readonly l2: number;
  readonly prediction: number;
}

/** The plane of one classifier. */
export interface SlicePanel {
  readonly name: string;
  /** Class of the image itself. */
  readonly prediction: number;
  readonly linf: SlicePoint;
  readonly l2: SlicePoint;
  /** Cosine of the angle between the two perturbations. */
  readonly cosine: number;
  /** Corners of what the plane cuts out of the ℓ∞ ball, counter-clockwise. */
  readonly section: readonly PlanePoint[];
  /** Predicted class at the centre of each cell, row by row from the lowest. */
  readonly regions: readonly number[];
  /** By how much that class's logit leads over the next, at the same places. */
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
  /** Pixels of the plane's points may leave [0, 1]: the plane is shown as it is. */
  readonly clipped: false;
  /** The window is [−half, half] both ways, in `resolution`² cells. */
  readonly half: number;
  readonly resolution: number;
  /** The image, [channel, height, width] in [0, 1], to three digits; null if it is not to be shown. */
  readonly image: {
    readonly shape: readonly number[];
    readonly pixels: readonly number[];
  } | null;
  readonly panels: readonly SlicePanel[];
}

/** Pale enough that the balls stand out; the right class is the palest. */
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

function slicePanel(data: SliceData, panel: SlicePanel, letter: string): Panel {
  const { half, resolution: n, epsilonL2, epsilonLinf, label, classNames } = data;
  const { name, regions, leads, section, linf, l2 } = panel;
  const cell = INNER / n;
  const center = (i: number) => ((i + 0.5) / n) * 2 * half - half;
  const cellOf = (v: number) => ((v + half) / (2 * half)) * n - 0.5;
  const field = {
    width: n,
    height: n,
    x1: -half,
    x2: half,
    y1: -half,
    y2: half,
    thresholds: [0],
    clip: true,
  };
  const tint = (value: number) => (value === label ? RIGHT : tints[value % tints.length]);
  const seen = [...new Set(regions)].sort((a, b) => a - b);
  const marked: readonly PlanePoint[] = [[0, 0], linf.at, l2.at];
  const box = (value: number) => {
    const { width, height } = labelSize(classNames[value]);
    return { width: width / cell, height: height / cell };
  };
  const labels = regionLabels(
    regions,
    n,
    box,
    marked.map(([x, y]) => [cellOf(x), cellOf(y)] as const),
  );
  const told = (ball: "ℓ∞" | "ℓ2", { prediction, ...norms }: SlicePoint) => {
    const other =
      ball === "ℓ∞" ? `‖δ‖₂ = ${norms.l2.toFixed(2)}` : `‖δ‖∞ = ${norms.linf.toFixed(3)}`;
    const inside = ball === "ℓ∞" ? norms.l2 <= epsilonL2 : norms.linf <= epsilonLinf;
    const verdict = prediction === label ? "withstood" : `taken for ${classNames[prediction]}`;
    return [
      `PGD-${ball}: ${verdict};`,
      `${other}, ${inside ? "inside" : "outside"} the ${ball === "ℓ∞" ? "ℓ2" : "ℓ∞"} ball`,
    ];
  };
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
      ...seen.map((value) =>
        Plot.contour(
          // Interpolated, this is 0 exactly where two classes' logits are equal.
          regions.map((one, i) => (one === value ? leads[i] : -leads[i])),
          { ...field, fill: tint(value), stroke: "#ffffff", strokeWidth: 1.2 },
        ),
      ),
      Plot.text(labels, {
        x: ({ column }) => center(column),
        y: ({ row }) => center(row),
        text: ({ value }) => classNames[value],
        fill: paint.soft,
      }),
      outlineMark("linf", section),
      outlineMark("l2", circle([0, 0], epsilonL2)),
      starMark([0, 0]),
      adversarialMark("linf", linf.at, linf.prediction !== label),
      adversarialMark("l2", l2.at, l2.prediction !== label),
    ],
    notes: [
      `the image itself: ${panel.prediction === label ? "right" : `taken for ${classNames[panel.prediction]}`}`,
      ...told("ℓ∞", linf),
      ...told("ℓ2", l2),
    ],
  };
}

/** The figure as the text of an SVG file, one panel per classifier. */
export function sliceSvg(data: SliceData): string {
  const { image, classNames, label, epsilonLinf, epsilonL2, attacks, seed } = data;
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
      "Each classifier has a plane of its own. Distances are for pixels in [0,\u00a01]; pixels of the plane's points are not cut to [0,\u00a01], those of the adversarial examples are.",
      `PGD with ${attacks.steps} steps and ${attacks.restarts} restarts; seed ${seed}.`,
    ],
  });
}
