// Tables 2 and 3: where adversarial examples lie, seen from the two balls of equal volume.
import type { Row } from "../evaluate/row.ts";
import { type Interval, mean, wilson } from "../math/statistics.ts";
import { type PrintedRegions, printedTable2, printedTable3 } from "./printed.ts";

/** Radii of the two balls, pixels in [0, 1]. */
export interface Radii {
  readonly linf: number;
  readonly l2: number;
}

/** A point on the sphere is inside: projections end there up to float32 rounding. */
const ROUNDING = 1e-5;

/** Shares of examples by place; they sum to 1. */
export interface Regions {
  readonly both: Interval;
  /** In the ℓ2 ball, outside the ℓ∞ ball. */
  readonly l2Only: Interval;
  readonly linfOnly: Interval;
  readonly neither: Interval;
}

/** One column of Table 2 or 3. */
export interface RegionsOf {
  readonly defense: string;
  readonly attack: string;
  /** Examples counted. */
  readonly examples: number;
  readonly regions: Regions;
  readonly meanLinf: number;
  readonly meanL2: number;
  readonly accuracy: Interval;
}

/** Where the perturbations of these rows lie; there must be at least one row. */
export function regionsOf(rows: readonly Row[], radii: Radii): RegionsOf {
  const inside = ({ linf, l2 }: Row) => [
    linf <= radii.linf * (1 + ROUNDING),
    l2 <= radii.l2 * (1 + ROUNDING),
  ];
  const share = (inLinf: boolean, inL2: boolean) =>
    wilson(
      rows.filter((row) => {
        const [one, two] = inside(row);
        return one === inLinf && two === inL2;
      }).length,
      rows.length,
    );
  return {
    defense: rows[0].defense,
    attack: rows[0].attack,
    examples: rows.length,
    regions: {
      both: share(true, true),
      l2Only: share(false, true),
      linfOnly: share(true, false),
      neither: share(false, false),
    },
    meanLinf: mean(rows.map(({ linf }) => linf)),
    meanL2: mean(rows.map(({ l2 }) => l2)),
    accuracy: wilson(
      rows.reduce((sum, { correct }) => sum + correct, 0),
      rows.length,
    ),
  };
}

/** A column with what the paper prints for it. */
export interface Table2Column extends RegionsOf {
  readonly printed: PrintedRegions | null;
}

/** The columns of Table 2: PGD-ℓ2 against AT-ℓ∞, and PGD-ℓ∞ against AT-ℓ2; all examples, not only successes. */
const table2Columns = [
  ["standard", "pgd-l2"],
  ["at-linf", "pgd-l2"],
  ["standard", "pgd-linf"],
  ["at-l2", "pgd-linf"],
] as const;

/** Table 2, from the rows of each defence; a column without rows is left out. */
export const table2 = (
  rowsOf: Readonly<Record<string, readonly Row[]>>,
  radii: Radii,
): Table2Column[] =>
  table2Columns.flatMap(([defense, attack]) => {
    const rows = (rowsOf[defense] ?? []).filter((row) => row.attack === attack);
    if (rows.length === 0) return [];
    const printed = printedTable2[attack]?.[defense] ?? null;
    return [{ ...regionsOf(rows, radii), printed }];
  });

/** A column of Table 3; images that are misclassified without any attack are not among its examples. */
export interface Table3Column extends RegionsOf {
  /** Images misclassified as they are: nothing had to be found for them. */
  readonly misclassified: number;
  /** Images for which C&W found nothing. */
  readonly unbroken: number;
  /** Accuracy where only examples inside the ℓ2 ball count: what C&W leaves as a bounded attack. */
  readonly accuracyInL2: Interval;
  readonly printed: (typeof printedTable3)[string] | null;
}

/** Table 3: where unbounded C&W finds its examples, for the undefended and the AT-ℓ∞ classifier. */
export const table3 = (
  rowsOf: Readonly<Record<string, readonly Row[]>>,
  radii: Radii,
): Table3Column[] =>
  ["standard", "at-linf"].flatMap((defense) => {
    const all = (rowsOf[defense] ?? []).filter(
      ({ attack, epsilon }) => attack === "cw-l2" && epsilon === null,
    );
    const right = all.filter(({ clean }) => clean === 1);
    const found = right.filter(({ correct }) => correct === 0);
    if (found.length === 0) return [];
    const broken = found.filter(({ l2 }) => l2 <= radii.l2 * (1 + ROUNDING)).length;
    return [
      {
        ...regionsOf(found, radii),
        accuracy: wilson(right.length - found.length, all.length),
        accuracyInL2: wilson(right.length - broken, all.length),
        misclassified: all.length - right.length,
        unbroken: right.length - found.length,
        printed: printedTable3[defense] ?? null,
      },
    ];
  });

/** Rows of unbounded C&W on a deterministic model as rows at a radius: what is further away counts as the clean image. */
export const atRadius = (rows: readonly Row[], epsilon: number): Row[] =>
  rows
    .filter((row) => row.attack === "cw-l2" && row.epsilon === null)
    .map((row) => {
      if (row.correct === 0 && row.l2 <= epsilon * (1 + ROUNDING)) return { ...row, epsilon };
      const { clean, prediction } = row;
      return {
        ...row,
        epsilon,
        correct: clean,
        correctChoose: clean,
        majority: clean,
        correct8bit: clean,
        adversarialPrediction: prediction,
        linf: 0,
        l2: 0,
        l1: 0,
      };
    });
