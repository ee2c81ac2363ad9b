import { chartMarkup, type Series } from "../report/chart.ts";
import { type ArtefactPoint, factors } from "./artefact.ts";
import type { Grid } from "./report/grid.ts";

/**
 * The demonstration as a table. C&W with more steps seems to be the weaker attack, until its perturbation is scaled or
 * the prediction is repeated. `setting` completes the title: the model and the data.
 */
export function artefactGrid(points: readonly ArtefactPoint[], setting: string): Grid {
  const strengths = [...new Set(points.map(({ steps }) => steps))];
  const at = (steps: number, factor: number) =>
    points.find((point) => point.steps === steps && point.factor === factor);
  const text = (value: number | undefined) => ({
    text: value === undefined ? "–" : value.toFixed(3),
  });
  return {
    title: `C&W against a noisy classifier, ${setting}`,
    columns: factors.map((factor) => (factor === 1 ? "as C&W returned it" : `δ × ${factor}`)),
    rows: strengths.flatMap((steps) => [
      {
        label: `C&W ${steps} steps: accuracy, one prediction`,
        cells: factors.map((factor) => {
          const point = at(steps, factor);
          if (point === undefined) return { text: "–" };
          const { low, high, mean } = point.accuracy;
          return {
            text: mean.toFixed(3),
            detail: `${low.toFixed(2)}–${high.toFixed(2)}, n ${point.examples}`,
          };
        }),
      },
      {
        label: `C&W ${steps} steps: right in all of 10`,
        cells: factors.map((factor) => text(at(steps, factor)?.tenOfTen)),
      },
      {
        label: `C&W ${steps} steps: mean ℓ2 norm`,
        cells: factors.map((factor) => text(at(steps, factor)?.l2)),
      },
    ]),
    notes: [
      "A minimum-norm attack stops where the decision changes. At that point a fresh noise draw is a coin toss, so the remaining accuracy measures how sparing the attack is, not how robust the classifier is. A slightly larger perturbation in the same direction removes that accuracy, and so does the requirement to be right ten times.",
    ],
  };
}

/** The demonstration as a line chart: accuracy against the factor, one line per strength, dashed for ten predictions. */
export function artefactChart(points: readonly ArtefactPoint[]): string {
  const strengths = [...new Set(points.map(({ steps }) => steps))];
  const series = strengths.flatMap((steps, place): Series[] => {
    const ofStrength = points.filter((point) => point.steps === steps);
    return [
      {
        name: `${steps} steps`,
        place,
        points: ofStrength.map(({ factor, accuracy }) => ({
          x: factor,
          y: accuracy.mean,
          low: accuracy.low,
          high: accuracy.high,
        })),
      },
      {
        name: `${steps} steps, ten of ten`,
        place,
        dashed: true,
        points: ofStrength.map(({ factor, tenOfTen }) => ({ x: factor, y: tenOfTen })),
      },
    ];
  });
  return chartMarkup({
    title: `accuracy against the factor that scales C&W's perturbation: ${strengths.map((steps) => `${steps} steps`).join(", ")}; dashed: right in all of ten predictions`,
    x: "factor",
    y: "accuracy",
    share: true,
    series,
  }).markup;
}
