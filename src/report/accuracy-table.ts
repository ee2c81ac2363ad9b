// The table of models × attacks. All report formats use these columns.
import type { Summary } from "../evaluate/summary.ts";
import type { UnionSummary } from "../evaluate/union.ts";
import type { Interval } from "../math/statistics.ts";
import type { Evaluation } from "./evaluation.ts";
import { epsilonText, listed, normName, radius, radiusText } from "./format.ts";

/** One accuracy as a share in [0, 1] over `examples` images; the interval is null for an upper bound. */
export interface Cell {
  readonly mean: number;
  readonly interval: Interval | null;
  readonly examples: number;
}

/** One column. Numbers under equal keys may be compared. */
export interface Column {
  readonly key: string;
  readonly kind: "clean" | "attack" | "union" | "min of means";
  readonly title: string;
  /** Radius and effort of an attack; norms and radii of a union. */
  readonly detail: string;
}

/** Models that were evaluated on the same data with the same protocol. */
export interface AccuracyTable {
  readonly data: string;
  readonly protocol: string;
  readonly columns: readonly Column[];
  readonly lines: readonly {
    readonly evaluation: Evaluation;
    readonly cells: ReadonlyMap<string, Cell>;
  }[];
  /** Whether radii below each attack's largest are left out. */
  readonly shortened: boolean;
}

/** The radius and effort of an attack: `ε 0.031, 20 steps, 5 restarts`; in ℓ0 `3 pixels, 100 steps`. */
export function effort(evaluation: Evaluation, attack: string, epsilon: number | null): string {
  const row = evaluation.rows.find((one) => one.attack === attack && one.epsilon === epsilon);
  const { steps = 0, restarts = 0, norm = null } = row ?? {};
  const parts = [epsilon === null ? "no bound" : epsilonText(norm, epsilon)];
  if (steps > 0) parts.push(`${steps} steps`);
  if (restarts > 1) parts.push(`${restarts} restarts`);
  return parts.join(", ");
}

/** The attacks of a union: `pgd-linf 0.031 and pgd-l2 0.83`. */
export const members = ({ attacks }: UnionSummary): string =>
  listed(
    attacks.map(({ attack, epsilon }) =>
      epsilon === null ? attack : `${attack} ${radius(epsilon)}`,
    ),
  );

/** The balls of a union: `ℓ∞ 0.031 and ℓ2 0.83`. */
export const ballsText = ({ balls }: UnionSummary): string =>
  listed(
    balls.map(({ norm, epsilon }) => {
      const bound = epsilon === null ? "without bound" : radiusText(norm, epsilon);
      return norm === null ? bound : `${normName(norm)} ${bound}`;
    }),
  );

/** The unions of several attacks in one ball. Empty if there is only one ball, since the union over norms is the same. */
export const ballUnionsShown = ({ ballUnions }: Summary): readonly UnionSummary[] =>
  ballUnions.length > 1 ? ballUnions.filter(({ attacks }) => attacks.length > 1) : [];

/** The unions of several attacks: of each ball, then over norms. */
export const unionsShown = (summary: Summary): readonly UnionSummary[] => [
  ...ballUnionsShown(summary),
  ...summary.unions.filter(({ attacks }) => attacks.length > 1),
];

/** The largest radius of each attack. */
const largestRadii = (summary: Summary): ReadonlyMap<string, number> => {
  const radii = new Map<string, number>();
  for (const { attack, epsilon } of summary.attacks)
    radii.set(attack, Math.max(epsilon ?? 0, radii.get(attack) ?? 0));
  return radii;
};

function* entries(evaluation: Evaluation, short: boolean): Generator<readonly [Column, Cell]> {
  const { summary } = evaluation;
  const { clean, examples } = summary;
  const column = (kind: Column["kind"], title: string, detail = ""): Column => ({
    kind,
    title,
    detail,
    key: `${kind} ${title} ${detail}`,
  });
  yield [column("clean", "clean"), { mean: clean.mean, interval: clean, examples }];
  const radii = largestRadii(summary);
  for (const { attack, epsilon, accuracy, examples: tried } of summary.attacks) {
    if (short && (epsilon ?? 0) < (radii.get(attack) ?? 0)) continue;
    const detail = effort(evaluation, attack, epsilon);
    yield [
      column("attack", attack, detail),
      { mean: accuracy.mean, interval: accuracy, examples: tried },
    ];
  }
  for (const union of short ? summary.unions.slice(-1) : unionsShown(summary)) {
    if (union.attacks.length < 2) continue;
    // Named by its balls, because other attacks in the same balls give another upper bound on the same accuracy.
    const detail = ballsText(union);
    const { union: interval, minOfMeans, examples: tried } = union;
    yield [column("union", "union", detail), { mean: interval.mean, interval, examples: tried }];
    yield [
      column("min of means", "min of means", detail),
      { mean: minOfMeans, interval: null, examples: tried },
    ];
  }
}

/** The order of the kinds of columns: the number that the protocol reports comes first. */
const order = (headline: Summary["headline"]): readonly Column["kind"][] =>
  headline === "union"
    ? ["clean", "attack", "union", "min of means"]
    : ["clean", "attack", "min of means", "union"];

/** With more attack columns than this a short table shows only the largest radii. */
const MAX_ATTACKS_IN_FULL = 4;

/** One table per data set and protocol, so no column mixes numbers that are not comparable. */
export function accuracyTables(
  evaluations: readonly Evaluation[],
  { short = false }: { readonly short?: boolean } = {},
): AccuracyTable[] {
  const groups = new Map<string, Evaluation[]>();
  for (const evaluation of evaluations) {
    const { data, protocol } = evaluation.summary;
    const key = JSON.stringify([data, protocol]);
    const group = groups.get(key) ?? [];
    groups.set(key, [...group, evaluation]);
  }
  return [...groups.values()].map((group) => {
    const full = tableOf(group, false);
    const many = full.columns.filter(({ kind }) => kind === "attack").length > MAX_ATTACKS_IN_FULL;
    if (!short || !many) return full;
    const table = tableOf(group, true);
    return { ...table, shortened: table.columns.length < full.columns.length };
  });
}

function tableOf(group: readonly Evaluation[], short: boolean): AccuracyTable {
  const columns = new Map<string, Column>();
  const lines = group.map((evaluation) => {
    const cells = new Map<string, Cell>();
    for (const [column, cell] of entries(evaluation, short)) {
      columns.set(column.key, column);
      cells.set(column.key, cell);
    }
    return { evaluation, cells };
  });
  const { data, protocol, headline } = group[0].summary;
  const kinds = order(headline);
  const sorted = [...columns.values()].sort(
    (a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind),
  );
  return { data, protocol, columns: sorted, lines, shortened: false };
}
