// The outcome of each example: right or wrong when clean, and under the strongest attack in each ball.
import type { Row } from "../evaluate/row.ts";

/** A ball; a field is null if an attack has no norm or no bound. */
export interface Ball {
  readonly norm: string | null;
  readonly epsilon: number | null;
}

/** The strongest attack on one example: `share` of draws that stay right, 0 or 1 for a deterministic classifier. */
interface Worst {
  /** The share on the draws that select the strongest attack. */
  readonly choosing: number;
  readonly share: number;
}

/** The examples that all attacks in a ball have tried, by index. */
export interface BallOutcomes extends Ball {
  /** `linf@0.031`. */
  readonly name: string;
  readonly worst: ReadonlyMap<number, Worst>;
}

/** Outcomes by index in the test split. */
export interface Outcomes {
  /** Share of draws in which the clean example is right. */
  readonly clean: ReadonlyMap<number, number>;
  /** By norm, each with its radii in ascending order. */
  readonly balls: readonly BallOutcomes[];
}

export const ballKey = ({ norm, epsilon }: Ball): string => `${norm}@${epsilon}`;

/** Rows by a name, in the order of their first row. */
function grouped(rows: readonly Row[], nameOf: (row: Row) => string): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(nameOf(row)) ?? [];
    groups.set(nameOf(row), group);
    group.push(row);
  }
  return [...groups.values()];
}

/** Rows with the largest number of EOT draws, the strongest form of an attack. */
function strongest(rows: readonly Row[]): Row[] {
  const most = rows.reduce((largest, { eot }) => Math.max(largest, eot), 0);
  return rows.filter(({ eot }) => eot === most);
}

/** An example that is wrong when clean counts as wrong under every attack. */
const worstOf = ({ draws, clean, correct, correctChoose }: Row): Worst =>
  draws === 1 && clean === 0
    ? { choosing: 0, share: 0 }
    : { choosing: correctChoose, share: correct };

/** The stronger attack of two on one example. */
export const worse = (a: Worst, b: Worst): Worst => (b.choosing < a.choosing ? b : a);

/** The worst row of each example. An example that some attack has not tried counts only if another attack broke it. */
function ballOutcomes(rows: readonly Row[], smaller: readonly BallOutcomes[]): BallOutcomes {
  const [{ norm, epsilon }] = rows;
  const attacks = new Set(rows.map(({ attack }) => attack)).size;
  const worst = new Map<number, Worst>();
  for (const own of grouped(rows, ({ index }) => String(index))) {
    const [{ index, draws }] = own;
    // A ball contains the smaller balls, so their adversarial examples count too.
    const inside = smaller.flatMap((ball) => ball.worst.get(index) ?? []);
    const found = [...own.map(worstOf), ...inside].reduce(worse);
    const broken = draws === 1 && found.share === 0;
    if (broken || own.length === attacks) worst.set(index, found);
  }
  return { norm, epsilon, name: ballKey({ norm, epsilon }), worst };
}

/** The outcomes of an evaluation. */
export function outcomesOf(rows: readonly Row[]): Outcomes {
  const clean = new Map(rows.map(({ index, clean: share }) => [index, share]));
  const attacked = rows.filter(({ attack }) => attack !== "none");
  const cells = grouped(attacked, ({ attack, epsilon }) => `${attack} ${epsilon}`).map(strongest);
  const balls = grouped(cells.flat(), ({ norm }) => String(norm)).flatMap((ofNorm) => {
    const ascending = grouped(ofNorm, ({ epsilon }) => String(epsilon)).sort(
      ([a], [b]) =>
        (a.epsilon ?? Number.POSITIVE_INFINITY) - (b.epsilon ?? Number.POSITIVE_INFINITY),
    );
    const done: BallOutcomes[] = [];
    for (const own of ascending) done.push(ballOutcomes(own, own[0].epsilon === null ? [] : done));
    return done;
  });
  return { clean, balls };
}
