// Counts a search for smallest radii as one more attack in the balls of an audit, after all others.
import type { Row } from "../../evaluate/row.ts";
import { isBroken } from "../../evaluate/survivors.ts";
import { type FoundRow, isFound, isSearched, type RadiusRow } from "./radius-row.ts";

/** The name of searches in one norm, as an attack. */
const SEARCH = "smallest";

/** Whether the row belongs to a search for smallest radii. */
export const isSearch = ({ attack }: Pick<Row, "attack">): boolean =>
  attack.startsWith(`${SEARCH}-`);

const ballName = ({ norm, epsilon }: Pick<Row, "norm" | "epsilon">): string => `${norm} ${epsilon}`;

/** An image that survived all attacks in a ball, by its last row. */
function survivorsOf(rows: readonly Row[]): ReadonlyMap<string, ReadonlyMap<number, Row>> {
  const balls = new Map<string, Map<number, Row>>();
  const broken = new Set<string>();
  for (const row of rows) {
    if (row.norm === null || row.epsilon === null || row.draws > 1 || row.clean !== 1) continue;
    const ball = ballName(row);
    const image = `${row.index} ${ball}`;
    const survivors = balls.get(ball) ?? new Map<number, Row>();
    balls.set(ball, survivors);
    if (isBroken(row)) broken.add(image);
    if (broken.has(image)) survivors.delete(row.index);
    else survivors.set(row.index, row);
  }
  return balls;
}

/** The searches by image that found the smallest perturbation in one norm. */
function bestOf(searched: readonly RadiusRow[], norm: string | null): Map<number, FoundRow> {
  const best = new Map<number, FoundRow>();
  for (const row of searched.filter(isFound)) {
    if (row.norm !== norm) continue;
    const before = best.get(row.index)?.radius ?? Number.POSITIVE_INFINITY;
    if (row.radius < before) best.set(row.index, row);
  }
  return best;
}

/** The result of a search, as the row of an attack in the smallest ball around it. `attacked` is a row of the same image. */
function rowOfFound(attacked: Row, { norm, attack, radius, found }: FoundRow): Row {
  const { prediction, correct8bit, linf, l2, l1 } = found;
  return Object.assign(asSearch(attacked, norm), {
    norm,
    epsilon: radius,
    objective: attack,
    correct: 0,
    correctChoose: 0,
    correct8bit,
    majority: 0,
    adversarialPrediction: prediction,
    linf,
    l2,
    l1,
  });
}

/** Rows of all results of a search for images that are right without an attack; `rows` are the rows of the attacks. */
export function rowsOfFound(rows: readonly Row[], searched: readonly RadiusRow[]): Row[] {
  const byIndex = new Map(rows.filter(({ clean }) => clean === 1).map((row) => [row.index, row]));
  return searched.filter(isFound).flatMap((found) => {
    const attacked = byIndex.get(found.index);
    return attacked === undefined ? [] : [rowOfFound(attacked, found)];
  });
}

/** The row of an image that survived the search too. */
const asSearch = (survivor: Row, norm = survivor.norm): Row =>
  Object.assign({}, survivor, {
    attack: `${SEARCH}-${norm}`,
    steps: 0,
    restarts: 0,
    queries: 0,
    seconds: 0,
  });

/**
 * Rows of searches in the balls in which they broke survivors of all attacks: one row per survivor, broken or not. The rows
 * are like those of one more attack on the survivors. For deterministic networks only.
 */
export function searchRows(rows: readonly Row[], searched: readonly RadiusRow[]): Row[] {
  const found: Row[] = [];
  for (const survivors of survivorsOf(rows).values()) {
    const [first] = survivors.values();
    if (first === undefined) continue;
    const best = bestOf(searched, first.norm);
    const epsilon = Number(first.epsilon);
    const isInside = (row: FoundRow | undefined): row is FoundRow =>
      row !== undefined && row.radius <= epsilon;
    const searchedImages = new Set(
      searched
        .filter((row) => row.norm === first.norm && isSearched(row))
        .map(({ index }) => index),
    );
    // The time of a search may end before its last image.
    const tried = [...survivors.values()].filter(({ index }) => searchedImages.has(index));
    const own = tried.map((row) => {
      const search = best.get(row.index);
      return isInside(search) ? Object.assign(rowOfFound(row, search), { epsilon }) : asSearch(row);
    });
    if (own.some(isBroken)) found.push(...own);
  }
  return found;
}
