// What summaries of rows have in common.
import { type Interval, twoLevelInterval } from "../math/statistics.ts";
import type { Row } from "./row.ts";

/** Predictions behind a share of all draws, and behind one of the half that scores. */
export const predictionCounts = ({ draws, rule }: Pick<Row, "draws" | "rule">) => {
  const all = draws / Number(rule.split(":")[1] ?? 1);
  return { all, half: all === 1 ? 1 : Math.floor(all / 2) };
};

/** The mean of a share over rows, with its 95 % interval. */
export const meanShare = (
  rows: readonly Row[],
  share: (row: Row) => number,
  per: "all" | "half",
): Interval =>
  twoLevelInterval(rows.map(share), rows.length === 0 ? 1 : predictionCounts(rows[0])[per]);

/** The items by what `by` gives, in the order in which that first occurs. */
export function groupBy<T, K>(items: readonly T[], by: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(by(item));
    if (group === undefined) groups.set(by(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** Rows of one attack at one radius. */
export const attackRadiusKey = ({ attack, epsilon }: Row): string => `${attack} ${epsilon}`;

/**
 * The share by which the worst attack of an example is chosen among pixels that were rounded to 8 bits. Rows of randomised
 * classifiers that were written without it are chosen by their share before rounding, so that no draw scores its own choice.
 */
export function choosing8bit({
  draws,
  correct8bit,
  correct8bitChoose,
  correctChoose,
}: Row): number {
  if (correct8bitChoose !== undefined) return correct8bitChoose;
  return draws === 1 ? correct8bit : correctChoose;
}
