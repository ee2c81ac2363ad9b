// Evaluations in which an attack meets only what the attacks before it left standing: what was spared, and what that means.
import type { Row } from "./row.ts";
import type { Run } from "./runs.ts";
import { cellOf, grouped } from "./shares.ts";

type Broken = Pick<Row, "index" | "norm" | "epsilon">;

/** What is broken: an example at one radius of one norm. */
export const brokenName = ({ index, norm, epsilon }: Broken): string =>
  `${index} ${norm} ${epsilon}`;

/** Whether the row says for good that its example is broken; one of a randomised model, or without a bound, never does. */
export const isBroken = ({ norm, epsilon, draws, correct }: Row): boolean =>
  norm !== null && epsilon !== null && draws === 1 && correct === 0;

/** How many later runs this row spares its example. */
export function skippedRuns(row: Row, runs: readonly Run[]): number {
  if (!isBroken(row)) return 0;
  const at = runs.findIndex(
    ({ name, eot, radii }) => name === row.attack && eot === row.eot && radii.includes(row.epsilon),
  );
  return runs
    .slice(at + 1)
    .filter(({ norm, radii }) => norm === row.norm && radii.includes(row.epsilon)).length;
}

/**
 * The rows, with one for each attack that an example was spared: a copy of the row that broke it, at no cost. An attack's
 * accuracy is then what it and those before it left.
 */
export function withSkipped(rows: readonly Row[]): Row[] {
  const breaking = new Map<string, Row>();
  for (const row of rows)
    if (isBroken(row) && !breaking.has(brokenName(row))) breaking.set(brokenName(row), row);
  const cells = grouped(rows, cellOf);
  const indices = [...new Set(rows.map(({ index }) => index))];
  const copies = [...cells.values()].flatMap((cell) => {
    const tried = new Set(cell.map(({ index }) => index));
    const [{ attack, norm, epsilon, eot, steps, restarts }] = cell;
    return indices.flatMap((index) => {
      const row = breaking.get(brokenName({ index, norm, epsilon }));
      if (row === undefined || tried.has(index)) return [];
      return [{ ...row, attack, eot, steps, restarts, queries: 0, seconds: 0 }];
    });
  });
  return keepBroken8bit([...rows, ...copies]);
}

/** An example that an attack broke only once its pixels were rounded stays broken at 8 bits under the attacks after it. */
function keepBroken8bit(rows: readonly Row[]): Row[] {
  const broken = new Set<string>();
  return [...grouped(rows, cellOf).values()].flat().map((row) => {
    if (row.norm === null || row.epsilon === null || row.draws > 1) return row;
    if (row.correct8bit === 0) broken.add(brokenName(row));
    return broken.has(brokenName(row)) ? Object.assign({}, row, { correct8bit: 0 }) : row;
  });
}
