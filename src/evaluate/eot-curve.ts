import { type Interval, mean } from "../math/statistics.ts";
import type { Row } from "./row.ts";
import { attackRadiusKey, groupBy, meanShare } from "./row-statistics.ts";

/** Accuracy under one attack at one radius, as a function of K, the number of draws averaged per step. */
export interface EotCurve {
  readonly attack: string;
  readonly norm: string | null;
  /** Radius, pixels in [0, 1]. */
  readonly epsilon: number | null;
  /** By ascending K, at least two. */
  readonly points: readonly {
    readonly eot: number;
    readonly examples: number;
    readonly accuracy: Interval;
  }[];
  /**
   * The smallest K from which the next larger K changes accuracy by less than the paired standard error of that change;
   * null if there is no such K: more draws might then make the attack stronger.
   */
  readonly settled: number | null;
}

/** The curve of every attack that was run with several K, in the order of the rows. */
export function eotCurves(rows: readonly Row[]): EotCurve[] {
  const cells = [...groupBy(rows, attackRadiusKey).values()].map((cell) =>
    [...groupBy(cell, ({ eot }) => eot)].sort(([a], [b]) => a - b),
  );
  return cells
    .filter((byEot) => byEot.length > 1)
    .map((byEot) => {
      const [[, [{ attack, norm, epsilon }]]] = byEot;
      const settled = byEot.find(([, own], i) => {
        const next = byEot[i + 1];
        return next !== undefined && withinError(own, next[1]);
      });
      const points = byEot.map(([eot, own]) => ({
        eot,
        examples: own.length,
        accuracy: meanShare(own, ({ correct }) => correct, "half"),
      }));
      return { attack, norm, epsilon, points, settled: settled?.[0] ?? null };
    });
}

/** Whether the mean change from `before` to `after`, over examples in both, is less than its standard error. */
function withinError(before: readonly Row[], after: readonly Row[]): boolean {
  const known = new Map(before.map(({ index, correct }) => [index, correct]));
  const changes = after.flatMap(({ index, correct }) => {
    const then = known.get(index);
    return then === undefined ? [] : [correct - then];
  });
  const n = changes.length;
  if (n < 2) return false;
  const change = mean(changes);
  const squares = changes.reduce((sum, d) => sum + (d - change) ** 2, 0);
  const error = Math.sqrt(squares / (n - 1) / n);
  // One example of n that flips changes the mean by exactly one standard error, which is not less than one.
  return change === 0 || Math.abs(change) < error * (1 - 1e-9);
}
