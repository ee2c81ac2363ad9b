import { type Interval, mean } from "../math/statistics.ts";
import type { Row } from "./row.ts";
import { choosing8bit, groupBy, meanShare } from "./row-statistics.ts";

/** Several attacks together, one radius per norm. */
export interface UnionSummary {
  readonly attacks: readonly { readonly attack: string; readonly epsilon: number | null }[];
  /** The number of examples that all of these attacks have tried. */
  readonly examples: number;
  /** Accuracy if each example faces its strongest attack, with its 95 % interval. */
  readonly union: Interval;
  /** The same after rounding adversarial pixels to 8 bits, with the strongest attack after rounding. */
  readonly union8bit: Interval;
  /** The distinct balls of the attacks; a radius of null means no bound. Unions over the same balls may be compared. */
  readonly balls: readonly { readonly norm: string | null; readonly epsilon: number | null }[];
  /** The lowest accuracy under any one attack: an upper bound on the union, which the paper reports. */
  readonly minOfMeans: number;
}

/**
 * For each example the row of its strongest attack: the lowest share, `correctChoose` unless another is given, and the first one
 * on a tie. `correct` uses other draws, which removes the selection bias of choosing the worst attack.
 */
export function worstRows(
  cells: readonly (readonly Row[])[],
  share: (row: Row) => number = ({ correctChoose }) => correctChoose,
): Row[] {
  const tried = groupBy(cells.flat(), ({ index }) => index);
  return [...tried.values()]
    .filter((rows) => rows.length === cells.length)
    .map((rows) => rows.reduce((worst, row) => (share(row) < share(worst) ? row : worst)));
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
    balls: ballsOf(cells),
    examples: worst.length,
    union: meanShare(worst, ({ correct }) => correct, "half"),
    union8bit: meanShare(worstRows(cells, choosing8bit), ({ correct8bit }) => correct8bit, "half"),
    minOfMeans: Math.min(...means),
  };
}

/** The norms and radii of some attacks, each once, in their order. */
function ballsOf(cells: readonly (readonly Row[])[]): UnionSummary["balls"] {
  const balls = new Map<string, UnionSummary["balls"][number]>();
  for (const [{ norm, epsilon }] of cells) balls.set(`${norm}@${epsilon}`, { norm, epsilon });
  return [...balls.values()];
}

/** The attacks of each norm at each radius, in the order in which norms occur: a union per ball. */
export const byBall = (cells: readonly (readonly Row[])[]): (readonly Row[])[][] => [
  ...groupBy(cells, ([{ norm, epsilon }]) => `${norm}@${epsilon}`).values(),
];

/**
 * The sets of attacks that make a union over norms. Lists of radii are combined by position: the first radii of
 * all norms, then the second ones; a single radius joins every set. If lists have different lengths, only the largest
 * radii are combined.
 */
export function sideBySide(cells: readonly (readonly Row[])[]): (readonly Row[])[][] {
  const lists = [...groupBy(cells, ([{ attack }]) => attack).values()].map((list) =>
    list.toSorted(([a], [b]) => (a.epsilon ?? 0) - (b.epsilon ?? 0)),
  );
  const length = Math.max(0, ...lists.map((list) => list.length));
  const largest = (list: (readonly Row[])[]) => list[list.length - 1];
  if (lists.some((list) => list.length !== length && list.length !== 1))
    return [lists.map(largest)];
  return Array.from({ length }, (_, i) => lists.map((list) => list[i] ?? largest(list)));
}
