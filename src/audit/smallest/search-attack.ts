// What a search for smallest radii says about the balls of an audit: it counts as one more attack, after all others.
import type { Row } from "../../evaluate/row.ts";
import { isBroken } from "../../evaluate/survivors.ts";
import { type FoundRow, isFound, type RadiusRow } from "./radius-row.ts";

/** The name of searches in one norm, as an attack. */
const SEARCH = "smallest";

/** Whether the row is of a search for smallest radii. */
export const isSearch = ({ attack }: Pick<Row, "attack">): boolean =>
  attack.startsWith(`${SEARCH}-`);

const ballName = ({ norm, epsilon }: Pick<Row, "norm" | "epsilon">): string => `${norm} ${epsilon}`;

/** The image of a ball that no attack broke: its last row. */
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

/** What a search found, as the row of an attack in the ball that just holds it. `attacked` is a row of the same image. */
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

/** Rows of all that a search found around images that are right without an attack; `rows` are those of the attacks. */
export function rowsOfFound(rows: readonly Row[], searched: readonly RadiusRow[]): Row[] {
  const byIndex = new Map(rows.filter(({ clean }) => clean === 1).map((row) => [row.index, row]));
  return searched.filter(isFound).flatMap((found) => {
    const attacked = byIndex.get(found.index);
    return attacked === undefined ? [] : [rowOfFound(attacked, found)];
  });
}

/** The row of an image that the search left right as well. */
const asSearch = (survivor: Row, norm = survivor.norm): Row =>
  Object.assign({}, survivor, {
    attack: `${SEARCH}-${norm}`,
    steps: 0,
    restarts: 0,
    queries: 0,
    seconds: 0,
  });

/**
 * Rows of searches in the balls in which they broke images that every attack left right: one per such image, and one per image
 * that stays right. They follow `rows` as those of one more attack on the survivors would. A deterministic network's.
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
    const own = [...survivors.values()].map((row) => {
      const search = best.get(row.index);
      return isInside(search) ? Object.assign(rowOfFound(row, search), { epsilon }) : asSearch(row);
    });
    if (own.some(isBroken)) found.push(...own);
  }
  return found;
}
