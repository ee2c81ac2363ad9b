// How many draws per step an attack on a randomised model needs before more make no difference.
import { type EotCurve, eotCurves } from "../evaluate/eot-curve.ts";
import { titles } from "./grids.ts";
import type { Grid } from "./report/grid.ts";
import type { DefenseResult } from "./table4.ts";

/** The curve of one attack on one defence. */
export interface Sweep extends EotCurve {
  readonly defense: string;
}

/** Accuracy against draws per step for each randomised defence; null where nothing was swept. */
export function sweepGrid(
  results: Readonly<Record<string, DefenseResult>>,
  where: string,
): { readonly grid: Grid; readonly data: readonly Sweep[] } | null {
  const data = Object.entries(results).flatMap(([defense, { rows }]) =>
    eotCurves(rows.sweep ?? []).map((curve) => ({ defense, ...curve })),
  );
  if (data.length === 0) return null;
  const draws = [...new Set(data.flatMap(({ points }) => points.map(({ eot }) => eot)))].sort(
    (a, b) => a - b,
  );
  return {
    data,
    grid: {
      title: `Accuracy against draws per step, ${where}`,
      columns: [...draws.map((eot) => `K = ${eot}`), "settled at"],
      rows: data.map(({ defense, attack, points, settled }) => ({
        label: `${titles[defense] ?? defense}, ${attack}`,
        cells: [
          ...draws.map((eot) => {
            const point = points.find((one) => one.eot === eot);
            if (point === undefined) return { text: "–" };
            const { mean, low, high } = point.accuracy;
            return {
              text: mean.toFixed(3),
              detail: `${low.toFixed(2)}–${high.toFixed(2)}, n ${point.examples}`,
            };
          }),
          { text: settled === null ? "not yet" : `K = ${settled}` },
        ],
      })),
      notes: [
        "PGD on the loss of the mean logits of K draws, sound protocol. It has settled at the first K whose next one changes accuracy by less than the paired standard error of that change.",
      ],
    },
  };
}
