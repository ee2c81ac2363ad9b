// Statistics over rows that several summaries need.
import { type Interval, twoLevelInterval } from "../math/statistics.ts";
import type { Row } from "./row.ts";
import { ruleNamed } from "./rule.ts";

/** The number of predictions behind a share: over all draws of a row, and over the half of the draws that scores. */
export function predictionCounts({ draws, rule }: Pick<Row, "draws" | "rule">) {
  const all = draws / ruleNamed(rule).draws;
  return { all, half: all === 1 ? 1 : Math.floor(all / 2) };
}

/** The mean of a share over rows, with its 95 % interval; `per` states the draws behind the share. */
export const meanShare = (
  rows: readonly Row[],
  share: (row: Row) => number,
  per: "all" | "half",
): Interval =>
  twoLevelInterval(rows.map(share), rows.length === 0 ? 1 : predictionCounts(rows[0])[per]);

/** Groups items by key. Keys are in the order of their first item. */
export function groupBy<T, K>(items: readonly T[], by: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(by(item));
    if (group === undefined) groups.set(by(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** The key of an attack at a radius, under which rows are grouped. */
export const attackRadiusKey = ({ attack, epsilon }: Row): string => `${attack} ${epsilon}`;

/**
 * The share that selects the strongest attack on an image after rounding to 8 bits. Older rows of randomised models lack
 * `correct8bitChoose`. They use `correctChoose`, the share before rounding, so that selection and scoring keep separate draws.
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
