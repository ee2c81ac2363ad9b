// An upper bound on the smallest perturbation of each image that changes its class: the best result of minimum-norm attacks,
// and then of APGD in shrinking balls.
import { distancesOf } from "../../attacks/exact-projection.ts";
import { runBounded, runMinimal } from "../../attacks/harness.ts";
import { attackNamed, attacks, minimalAttackNamed } from "../../attacks/table.ts";
import type { Attack, Norm, Victim } from "../../attacks/victim.ts";
import type { Split } from "../../data/dataset.ts";
import { rounded } from "../../evaluate/score.ts";
import { fold, type Key, keyOf, nameToNumber } from "../../math/random.ts";
import { argmaxRows, rows as rowsBetween, type Tensor } from "../../math/tensor.ts";
import type { Budget } from "../options.ts";
import type { RadiusRow } from "./radius-row.ts";

/** The effort of a search per image in each norm. */
export interface SearchEffort {
  /** Families of minimum-norm attacks; a norm skips those that do not have it. */
  readonly families: readonly string[];
  /** Gradient steps of each minimum-norm attack. */
  readonly steps: number;
  /** Steps of APGD in each smaller ball; 0 skips APGD. */
  readonly apgdSteps: number;
}

/** The effort of each budget of an audit. */
export const searchEfforts: Readonly<Record<Budget, SearchEffort>> = {
  quick: { families: ["fmn"], steps: 20, apgdSteps: 0 },
  standard: { families: ["fmn", "ddn"], steps: 100, apgdSteps: 30 },
  autoattack: { families: ["fmn", "ddn"], steps: 100, apgdSteps: 30 },
  full: { families: ["fmn", "ddn"], steps: 300, apgdSteps: 100 },
};

/** Ratio of the radii of neighbouring balls. All images share the balls, so that they can be attacked together. */
const BALL_RATIO = 1.05;

/** The number of balls that are tried for an image. Each divides the radius by `BALL_RATIO` or more. */
const MAX_BALLS = 20;
/** An upper bound on the rounding error of a ball's number. */
const ROUNDING = 1e-9;

/** The number of the largest ball below a radius. */
const ballBelow = (radius: number): number =>
  Math.ceil(Math.log(radius) / Math.log(BALL_RATIO) - ROUNDING) - 1;

const radiusOfBall = (ball: number): number => BALL_RATIO ** ball;

/** The network and images of a search. */
export interface RadiusSearch {
  /** A deterministic network, for at most `batch` images at once. */
  readonly victim: Victim;
  readonly test: Split;
  /** Number of images, from the first one on. */
  readonly examples: number;
  readonly batch: number;
  readonly norm: Norm;
  readonly effort: SearchEffort;
  readonly seed: number;
  /** Called with each image that changes class, before its row is yielded. */
  readonly inspect?: ((found: FoundImage) => Promise<void>) | undefined;
}

/** An image that a search found, pixels in [0, 1] of shape [1, channels, rows, columns]. */
export interface FoundImage {
  readonly row: RadiusRow;
  readonly original: Tensor;
  readonly adversarial: Tensor;
}

type Found = Pick<RadiusRow, "attack" | "epsilon">;

/** The rows of a search so far, and the state derived from them. */
class Known {
  readonly #best = new Map<number, number>();
  readonly #tried = new Set<string>();
  readonly #balls = new Map<number, number>();

  constructor(rows: readonly RadiusRow[]) {
    for (const row of rows) this.add(row);
  }

  add({ index, attack, epsilon, radius }: RadiusRow): void {
    this.#tried.add(`${index} ${attack} ${epsilon}`);
    if (epsilon !== null) this.#balls.set(index, this.balls(index) + 1);
    if (radius !== null) this.#best.set(index, Math.min(this.best(index), radius));
  }

  best = (index: number): number => this.#best.get(index) ?? Number.POSITIVE_INFINITY;

  /** The number of balls tried. */
  balls = (index: number): number => this.#balls.get(index) ?? 0;

  has = (index: number, { attack, epsilon }: Found): boolean =>
    this.#tried.has(`${index} ${attack} ${epsilon}`);
}

/** The attack `none` of a row that counts the image as wrong, or as right, without one. */
const CLEAN: Found = { attack: "none", epsilon: null };

/**
 * Searches in one norm, and yields rows as they are found. `stored` are the rows of an earlier search with the same settings;
 * their work is not repeated. A draw depends on the seed, the attack and the index of the image alone.
 */
export async function* searchRadii(
  search: RadiusSearch,
  stored: readonly RadiusRow[],
): AsyncGenerator<RadiusRow[], void, void> {
  const known = new Known(stored);
  const all = Array.from({ length: search.examples }, (_, index) => index);
  const record = (rows: RadiusRow[]) => {
    for (const row of rows) known.add(row);
    return rows;
  };
  const missing = (indices: readonly number[], found: Found) =>
    batches(
      indices.filter((index) => !known.has(index, found)),
      search.batch,
    );
  for (const indices of missing(all, CLEAN)) yield record(await cleanRows(search, indices));
  const { families, steps, apgdSteps } = search.effort;
  for (const family of families) {
    if (!attacks.named(family).norms.includes(search.norm)) continue;
    const attack = minimalAttackNamed(`${family}-${search.norm}`, { [`${family}Steps`]: steps });
    const right = all.filter((index) => known.best(index) > 0);
    for (const indices of missing(right, { attack: attack.name, epsilon: null }))
      yield record(await attackedRows(search, attack, indices));
  }
  if (apgdSteps > 0) yield* shrink(search, known, record);
}

/**
 * Attacks each image in the largest ball below its best radius, and repeats this as long as it succeeds.
 */
async function* shrink(
  search: RadiusSearch,
  known: Known,
  record: (rows: RadiusRow[]) => RadiusRow[],
): AsyncGenerator<RadiusRow[], void, void> {
  const { examples, batch, norm, effort } = search;
  const name = `apgd-ce-${norm}`;
  const epsilonName = { linf: "epsilonLinf", l2: "epsilonL2", l1: "epsilonL1" }[norm];
  let open = Array.from({ length: examples }, (_, index) => index);
  while (true) {
    open = open.filter((index) => {
      const best = known.best(index);
      if (best === 0 || best === Number.POSITIVE_INFINITY) return false;
      if (known.balls(index) === MAX_BALLS) return false;
      return !known.has(index, { attack: name, epsilon: radiusOfBall(ballBelow(best)) });
    });
    if (open.length === 0) return;
    // The largest ball first: images that break in it may join the images of the next ball.
    const ball = Math.max(...open.map((index) => ballBelow(known.best(index))));
    const epsilon = radiusOfBall(ball);
    const attack = attackNamed(name, { [epsilonName]: epsilon, apgdSteps: effort.apgdSteps });
    const inBall = open.filter((index) => ballBelow(known.best(index)) === ball);
    for (const indices of batches(inBall, batch))
      yield record(await attackedRows(search, attack, indices));
  }
}

function batches(indices: readonly number[], size: number): number[][] {
  const found: number[][] = [];
  for (let from = 0; from < indices.length; from += size)
    found.push(indices.slice(from, from + size));
  return found;
}

const keyOfImage = (seed: number, { attack, epsilon }: Found, index: number): Key =>
  fold(
    fold(fold(keyOf(seed), nameToNumber("smallest")), nameToNumber(`${attack}@${epsilon}`)),
    index,
  );

async function cleanRows(
  { victim, test, norm, seed }: RadiusSearch,
  indices: readonly number[],
): Promise<RadiusRow[]> {
  const { images, labels } = imagesAt(test, indices);
  const keys = indices.map((index) => keyOfImage(seed, CLEAN, index));
  const classes = argmaxRows(await victim.logits(images, keys));
  return indices.map((index, i) => {
    const label = labels[i];
    const radius = classes[i] === label ? null : 0;
    return Object.assign({ index, label, norm }, CLEAN, { radius });
  });
}

/** Runs one attack. A result counts if the network gives its image another class. */
async function attackedRows(
  { victim, test, norm, seed, inspect }: RadiusSearch,
  attack: Attack,
  indices: readonly number[],
): Promise<RadiusRow[]> {
  const found: Found = { attack: attack.name, epsilon: attack.epsilon };
  const { images, labels } = imagesAt(test, indices);
  const keys = indices.map((index) => keyOfImage(seed, found, index));
  const { adversarial } =
    attack.epsilon === null
      ? await runMinimal(attack, victim, images, labels, keys)
      : await runBounded(attack, victim, images, labels, keys);
  const classes = argmaxRows(await victim.logits(adversarial, keys));
  const classes8bit = argmaxRows(await victim.logits(rounded(adversarial), keys));
  const lengths = {
    linf: distancesOf(adversarial, images, "linf"),
    l2: distancesOf(adversarial, images, "l2"),
    l1: distancesOf(adversarial, images, "l1"),
  };
  const rows: RadiusRow[] = [];
  for (const [i, index] of indices.entries()) {
    const label = labels[i];
    const row: RadiusRow = Object.assign({ index, label, norm }, found, { radius: null });
    rows.push(row);
    if (classes[i] === label) continue;
    // Float rounding may make a perturbation longer than the radius, but it stays in the ball.
    row.radius = Math.min(lengths[norm][i], attack.epsilon ?? Number.POSITIVE_INFINITY);
    row.found = {
      prediction: classes[i],
      linf: lengths.linf[i],
      l2: lengths.l2[i],
      l1: lengths.l1[i],
      correct8bit: Number(classes8bit[i] === label),
    };
    await inspect?.({
      row,
      original: rowsBetween(images, i, i + 1),
      adversarial: rowsBetween(adversarial, i, i + 1),
    });
  }
  return rows;
}

function imagesAt(test: Split, indices: readonly number[]) {
  return {
    images: test.images([...indices]),
    labels: indices.map((index) => Number(test.labels[index])),
  };
}
