// Counts what attacks in other balls found, and a search for smallest radii, each as one more attack in the balls of an audit,
// after all others.
import type { Row } from "../../evaluate/row.ts";
import { groupBy } from "../../evaluate/row-statistics.ts";
import { isBroken } from "../../evaluate/survivors.ts";
import { type FoundRow, isFound, isSearched, type RadiusRow } from "./radius-row.ts";
import { lengthIn, radiusIn } from "./smallest.ts";

/** The names of searches in one norm, and of what attacks in other balls found, as attacks. */
const [SEARCH, OTHERS] = ["smallest", "other-balls"];

/** The objective of rows of images that a search had no time for. */
const UNSEARCHED = "unsearched";

/** Whether the row is of an image that the search had no time for. */
export const isUnsearched = (row: Pick<Row, "attack" | "objective">): boolean =>
  isSearch(row) && row.objective === UNSEARCHED;

/** Whether the row belongs to a search for smallest radii. */
export const isSearch = ({ attack }: Pick<Row, "attack">): boolean =>
  attack.startsWith(`${SEARCH}-`);

/** Whether the row is of an image that an attack in another ball found. */
export const isFromOtherBall = ({ attack }: Pick<Row, "attack">): boolean =>
  attack.startsWith(`${OTHERS}-`);

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

/** A search, and the length of what it found in some norm. */
interface Best {
  readonly row: FoundRow;
  readonly radius: number;
}

/** The searches by image, of all norms, that found the smallest perturbation in one norm. */
function bestOf(searched: readonly RadiusRow[], norm: string | null): Map<number, Best> {
  const best = new Map<number, Best>();
  for (const row of searched.filter(isFound)) {
    const radius = radiusIn(row, norm);
    if (radius < (best.get(row.index)?.radius ?? Number.POSITIVE_INFINITY))
      best.set(row.index, { row, radius });
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

/** The row of an image that survived the search too, or the other attacks that `name` stands for. */
const asSearch = (survivor: Row, norm = survivor.norm, name = SEARCH): Row =>
  Object.assign({}, survivor, {
    attack: `${name}-${norm}`,
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
    const { norm, epsilon } = first;
    const best = bestOf(searched, norm);
    const done = new Set(
      searched.filter((row) => row.norm === norm && isSearched(row)).map(({ index }) => index),
    );
    const isInside = (index: number) => (best.get(index)?.radius ?? Infinity) <= Number(epsilon);
    const own = [...survivors.values()].map((row) => {
      const search = best.get(row.index);
      const unbroken = asSearch(row);
      if (search !== undefined && isInside(row.index)) {
        const { attack } = unbroken;
        return Object.assign(rowOfFound(row, search.row), { attack, norm, epsilon });
      }
      // The time of a search may end before its last image, which then counts as the attacks left it.
      return done.has(row.index) ? unbroken : Object.assign(unbroken, { objective: UNSEARCHED });
    });
    if (own.some(isBroken)) found.push(...own);
  }
  return found;
}

/** The broken rows of each image that is right when clean, in their order. */
const brokenByImage = (rows: readonly Row[]): Map<number, Row[]> =>
  groupBy(
    rows.filter((row) => isBroken(row) && row.clean === 1),
    ({ index }) => index,
  );

/** The row among `broken` whose image lies in a ball, one that stays broken after rounding to 8 bits first. */
function insideBall(broken: readonly Row[], { norm, epsilon }: Row): Row | undefined {
  const inside = broken.filter((row) => (lengthIn(row, norm) ?? Infinity) <= Number(epsilon));
  return inside.find(({ correct8bit }) => correct8bit === 0) ?? inside.at(0);
}

/**
 * Rows of what attacks in other balls, of any norm and radius, found inside a ball whose own attacks all left the image right:
 * one per such image, and one per image that stays right, as those of one more attack on the survivors. A deterministic network's.
 */
export function otherBallRows(rows: readonly Row[]): Row[] {
  const found: Row[] = [];
  const broken = brokenByImage(rows);
  for (const survivors of survivorsOf(rows).values()) {
    const own = [...survivors.values()].map((row) => {
      const unbroken = asSearch(row, row.norm, OTHERS);
      const other = insideBall(broken.get(row.index) ?? [], row);
      if (other === undefined) return unbroken;
      const { attack, steps, restarts, queries, seconds, norm, epsilon } = unbroken;
      const changes = { attack, steps, restarts, queries, seconds, norm, epsilon };
      return Object.assign({}, other, changes, { objective: other.attack });
    });
    if (own.some(isBroken)) found.push(...own);
  }
  return found;
}

/**
 * The rows that an audit counts beside those of its attacks: an adversarial image breaks every ball that holds it, whatever
 * attack or search found it.
 */
export function rowsInBalls(rows: readonly Row[], searched: readonly RadiusRow[]): Row[] {
  const others = otherBallRows(rows);
  return [...others, ...searchRows([...rows, ...others], searched)];
}
