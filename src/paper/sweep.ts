// The number of draws per step from which on an attack on a randomised model no longer improves.
import { type EotCurve, eotCurves } from "../evaluate/eot-curve.ts";
import type { DefenseResult } from "./defense-result.ts";
import { titles } from "./grids.ts";
import type { Grid, GridCell } from "./report/grid.ts";

/** The curve of one attack on one defence. */
export interface Sweep extends EotCurve {
  readonly defense: string;
}

/** The curves of all attacks on all randomised defences; none without rows of a sweep. */
export const sweepsOf = (results: Readonly<Record<string, DefenseResult>>): Sweep[] =>
  Object.entries(results).flatMap(([defense, { rows }]) =>
    eotCurves(rows.sweep ?? []).map((curve) => ({ defense, ...curve })),
  );

/** Accuracy against draws per step for each randomised defence. `setting` completes the title. */
export function sweepGrid(sweeps: readonly Sweep[], setting: string): Grid {
  const draws = [...new Set(sweeps.flatMap(({ points }) => points.map(({ eot }) => eot)))].sort(
    (a, b) => a - b,
  );
  const cell = ({ points }: Sweep, eot: number): GridCell => {
    const point = points.find((one) => one.eot === eot);
    if (point === undefined) return { text: "–" };
    const { mean, low, high } = point.accuracy;
    return {
      text: mean.toFixed(3),
      detail: `${low.toFixed(2)}–${high.toFixed(2)}, n ${point.examples}`,
    };
  };
  return {
    title: `Accuracy against draws per step, ${setting}`,
    columns: [...draws.map((eot) => `K = ${eot}`), "settled at"],
    rows: sweeps.map((sweep) => ({
      label: `${titles[sweep.defense] ?? sweep.defense}, ${sweep.attack}`,
      cells: [
        ...draws.map((eot) => cell(sweep, eot)),
        { text: sweep.settled === null ? "not yet" : `K = ${sweep.settled}` },
      ],
    })),
    notes: [
      "PGD on the loss of the mean logits of K draws, sound protocol. Accuracy has settled at the first K for which the next K changes it by less than the paired standard error of the change.",
    ],
  };
}
