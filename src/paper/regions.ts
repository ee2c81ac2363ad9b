// Tables 2 and 3: shares of adversarial examples inside the ℓ∞ ball, the ℓ2 ball, both and neither.
import type { Row } from "../evaluate/row.ts";
import { type Interval, mean, wilson } from "../math/statistics.ts";
import { type PrintedRegions, printedTable2, printedTable3 } from "./printed.ts";

/** Radii of the two balls, for pixels in [0, 1]. */
export interface Radii {
  readonly linf: number;
  readonly l2: number;
}

/** The radii of Araujo et al. 2019, arXiv:1903.10219, §4.4. */
export const PAPER_RADII: Radii = { linf: 0.031, l2: 0.83 };

/** Relative tolerance: examples projected onto the sphere are off by float32 rounding and count as inside. */
const ROUNDING = 1e-5;

/** Shares of examples by region, which add up to 1. */
export interface Regions {
  readonly both: Interval;
  /** In the ℓ2 ball, outside the ℓ∞ ball. */
  readonly l2Only: Interval;
  /** In the ℓ∞ ball, outside the ℓ2 ball. */
  readonly linfOnly: Interval;
  readonly neither: Interval;
}

/** One column of Table 2 or 3: the regions of one attack's examples on one defence. */
export interface RegionsOf {
  readonly defense: string;
  readonly attack: string;
  /** Number of examples. */
  readonly examples: number;
  readonly regions: Regions;
  readonly meanLinf: number;
  readonly meanL2: number;
  readonly accuracy: Interval;
}

/** The regions of the perturbations of `rows`: at least one row, all of one attack on one defence. */
export function regionsOf(rows: readonly Row[], radii: Radii): RegionsOf {
  const inside = ({ linf, l2 }: Row) => [
    linf <= radii.linf * (1 + ROUNDING),
    l2 <= radii.l2 * (1 + ROUNDING),
  ];
  const share = (inLinf: boolean, inL2: boolean) =>
    wilson(
      rows.filter((row) => {
        const [insideLinf, insideL2] = inside(row);
        return insideLinf === inLinf && insideL2 === inL2;
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

/** A measured column of Table 2 and the printed one; null if the paper prints none. */
export interface Table2Column extends RegionsOf {
  readonly printed: PrintedRegions | null;
}

/** The columns of Table 2, [defence, attack]. All examples count, not only successful ones. */
const table2Columns = [
  ["standard", "pgd-l2"],
  ["at-linf", "pgd-l2"],
  ["standard", "pgd-linf"],
  ["at-l2", "pgd-linf"],
] as const;

/** Table 2 from the rows by defence; a column without rows is left out. */
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

/** A column of Table 3; its examples are images that were classified correctly and then broken. */
export interface Table3Column extends RegionsOf {
  /** Number of images misclassified without an attack. */
  readonly misclassified: number;
  /** Number of correctly classified images for which C&W found no adversarial example. */
  readonly unbroken: number;
  /** Accuracy under C&W as an attack bounded by the ℓ2 radius: only examples inside the ℓ2 ball count. */
  readonly accuracyInL2: Interval;
  readonly printed: (typeof printedTable3)[string] | null;
}

/** Table 3 from the rows by defence: regions of the examples of unbounded C&W on `standard` and `at-linf`. */
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

/**
 * Turns rows of unbounded C&W on a deterministic model into rows of an attack with the ℓ2 radius `epsilon`, for pixels in
 * [0, 1]: the clean image replaces an example beyond the radius.
 */
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
