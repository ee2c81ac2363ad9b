import { chartMarkup, type Series } from "../report/chart.ts";
import { type ArtefactPoint, factors } from "./artefact.ts";
import type { Grid } from "./report/grid.ts";

/** The demonstration as a table: a better C&W looks worse, until its norm is scaled or the prediction repeated. */
export function artefactGrid(points: readonly ArtefactPoint[], where: string): Grid {
  const strengths = [...new Set(points.map(({ steps }) => steps))];
  const at = (steps: number, factor: number) =>
    points.find((point) => point.steps === steps && point.factor === factor);
  const text = (value: number | undefined) => ({
    text: value === undefined ? "–" : value.toFixed(3),
  });
  return {
    title: `C&W against a noisy classifier, ${where}`,
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
      "A minimum-norm attack stops where the decision changes, and there a fresh noise draw is a coin toss: the accuracy that is left measures the attack's economy, not the classifier's strength. A little further along the same direction it is gone, and so it is for anyone who must be right ten times.",
    ],
  };
}

/** The same as a line chart: accuracy against the factor, one line per strength, dashed for ten predictions. */
export function artefactChart(points: readonly ArtefactPoint[]): string {
  const strengths = [...new Set(points.map(({ steps }) => steps))];
  const series = strengths.flatMap((steps, place): Series[] => {
    const own = points.filter((point) => point.steps === steps);
    return [
      {
        name: `${steps} steps`,
        place,
        points: own.map(({ factor, accuracy }) => ({
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
        points: own.map(({ factor, tenOfTen }) => ({ x: factor, y: tenOfTen })),
      },
    ];
  });
  return chartMarkup({
    title: `accuracy against the factor that C&W's perturbation is scaled by: ${strengths.map((steps) => `${steps} steps`).join(", ")}; dashed, right in all of ten predictions`,
    x: "factor",
    y: "accuracy",
    share: true,
    series,
  }).markup;
}
