// The option `skipBroken`: an attack gets the survivors of earlier attacks, and later attacks count broken examples as broken.
import type { Row } from "./row.ts";
import { attackRadiusKey, groupBy } from "./row-statistics.ts";
import { type Run, rowName } from "./runs.ts";

type Broken = Pick<Row, "index" | "norm" | "epsilon">;

/** Identifies a broken example in one norm and at one radius, for pixels in [0, 1]. */
export const brokenName = ({ index, norm, epsilon }: Broken): string =>
  `${index} ${norm} ${epsilon}`;

/** Whether the row shows that its example is broken. Always false for randomised models and for rows without a bound. */
export const isBroken = ({ norm, epsilon, draws, correct }: Row): boolean =>
  norm !== null && epsilon !== null && draws === 1 && correct === 0;

/** The place of the row's run among all runs; −1 if it is of none. */
const placeOf = (row: Row, runs: readonly Run[]): number =>
  runs.findIndex(
    ({ name, eot, radii }) => name === row.attack && eot === row.eot && radii.includes(row.epsilon),
  );

/** By `brokenName`, the place of the first run that broke the example. Only later runs skip it. */
export function brokenBy(rows: readonly Row[], runs: readonly Run[]): Map<string, number> {
  const places = new Map<string, number>();
  for (const row of rows.filter(isBroken)) {
    const [name, place] = [brokenName(row), placeOf(row, runs)];
    places.set(name, Math.min(place, places.get(name) ?? place));
  }
  return places;
}

/** Counts the rows of an evaluation and, under `skipBroken`, those that later runs skip. Each counts once. */
export class CountedRows {
  readonly #runs: readonly Run[];
  readonly #skipBroken: boolean;
  readonly #names = new Set<string>();

  constructor(runs: readonly Run[], skipBroken: boolean) {
    this.#runs = runs;
    this.#skipBroken = skipBroken;
  }

  /** Counts a row and the rows that its example no longer gets. Returns the number so far. */
  add(row: Row): number {
    this.#names.add(rowName(row));
    if (this.#skipBroken && isBroken(row))
      for (const { name, norm, radii, eot } of this.#runs.slice(placeOf(row, this.#runs) + 1))
        if (norm === row.norm && radii.includes(row.epsilon))
          this.#names.add(rowName({ ...row, attack: name, eot }));
    return this.#names.size;
  }
}

/**
 * The rows, and one more for each attack that skipped an example: a copy of the row that broke the example, with no queries
 * and no time. So the accuracy of an attack covers all attacks up to and including it.
 */
export function withSkipped(rows: readonly Row[]): Row[] {
  const breaking = new Map<string, Row>();
  for (const row of rows)
    if (isBroken(row) && !breaking.has(brokenName(row))) breaking.set(brokenName(row), row);
  const cells = groupBy(rows, attackRadiusKey);
  const indices = [...new Set(rows.map(({ index }) => index))];
  const copies = [...cells.values()].flatMap((cell) => {
    const attacked = new Set(cell.map(({ index }) => index));
    const [{ attack, norm, epsilon, eot, steps, restarts }] = cell;
    return indices.flatMap((index) => {
      const row = breaking.get(brokenName({ index, norm, epsilon }));
      if (row === undefined || attacked.has(index)) return [];
      return [{ ...row, attack, eot, steps, restarts, queries: 0, seconds: 0 }];
    });
  });
  return keepBroken8bit([...rows, ...copies]);
}

/** If rounding to 8 bits alone breaks an example, it stays broken at 8 bits for later attacks. */
function keepBroken8bit(rows: readonly Row[]): Row[] {
  const broken = new Set<string>();
  return [...groupBy(rows, attackRadiusKey).values()].flat().map((row) => {
    if (row.norm === null || row.epsilon === null || row.draws > 1) return row;
    if (row.correct8bit === 0) broken.add(brokenName(row));
    return broken.has(brokenName(row)) ? Object.assign({}, row, { correct8bit: 0 }) : row;
  });
}
