import { type Interval, mean } from "../math/statistics.ts";
import type { Row } from "./row.ts";
import { grouped, interval } from "./shares.ts";

/** Several attacks together, one radius per norm. */
export interface UnionSummary {
  readonly attacks: readonly { readonly attack: string; readonly epsilon: number | null }[];
  /** Examples that every one of these attacks has tried. */
  readonly examples: number;
  /** Accuracy where each example meets its worst attack, with its 95 % interval. */
  readonly union: Interval;
  /** The lowest of the attacks' accuracies: an upper bound, which the paper reports. */
  readonly minOfMeans: number;
}

/**
 * For each example the row of its worst attack: the lowest `correctChoose`, the first one on a tie. Its `correct` is
 * from other draws, so that the luck which made an attack look worst is not counted again.
 */
export function worstRows(cells: readonly (readonly Row[])[]): Row[] {
  const tried = grouped(cells.flat(), ({ index }) => index);
  return [...tried.values()]
    .filter((rows) => rows.length === cells.length)
    .map((rows) =>
      rows.reduce((worst, row) => (row.correctChoose < worst.correctChoose ? row : worst)),
    );
}

/** The union and the min of means of these attacks, one list of rows each. */
export function unionSummary(cells: readonly (readonly Row[])[]): UnionSummary {
  const worst = worstRows(cells);
  const common = new Set(worst.map(({ index }) => index));
  const means = cells.map((rows) =>
    mean(rows.filter(({ index }) => common.has(index)).map(({ correct }) => correct)),
  );
  return {
    attacks: cells.map(([{ attack, epsilon }]) => ({ attack, epsilon })),
    examples: worst.length,
    union: interval(worst, ({ correct }) => correct, "half"),
    minOfMeans: Math.min(...means),
  };
}

/**
 * The sets of attacks that make a union. Lists of radii are read side by side: the first radius of every attack
 * together, then the second; a single radius joins each of them. Lists of different lengths meet at their largest.
 */
export function sideBySide(cells: readonly (readonly Row[])[]): (readonly Row[])[][] {
  const lists = [...grouped(cells, ([{ attack }]) => attack).values()].map((list) =>
    list.toSorted(([a], [b]) => (a.epsilon ?? 0) - (b.epsilon ?? 0)),
  );
  const length = Math.max(0, ...lists.map((list) => list.length));
  const largest = (list: (readonly Row[])[]) => list[list.length - 1];
  if (lists.some((list) => list.length !== length && list.length !== 1))
    return [lists.map(largest)];
  return Array.from({ length }, (_, i) => lists.map((list) => list[i] ?? largest(list)));
}
