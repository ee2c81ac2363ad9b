import { UsageError } from "../../math/usage-error.ts";
import {
  log10AsPrinted,
  log10Chernoff,
  log10Hoeffding,
  slopeAsPrinted,
  slopeOfRatio,
} from "./bounds.ts";
import { log10Ratio } from "./ratio.ts";
import { equalVolumeRadius } from "./volume.ts";

/** The order of a norm: a number of at least 1, or "inf" for the largest coordinate (JSON has no infinity). */
export type Order = number | "inf";

/** Theorem 1 in dimension d: Vol(B_p ∩ B_q) / Vol(B_q) at equal volumes. All fields from `printed` on are log₁₀. */
export interface TheoryRow {
  readonly dimension: number;
  readonly p: Order;
  readonly q: Order;
  /** The radius of the ℓp ball with the volume of the unit ℓq ball; r₂(d) for p = 2, q = ∞. */
  readonly radius: number;
  /** The number in the paper's Table 1; null if the table has none. */
  readonly printed: number | null;
  /** The value of the paper's formula; null unless p = 2, q = ∞. */
  readonly asPrinted: number | null;
  /** Hoeffding's upper bound; null where it does not apply. */
  readonly hoeffding: number | null;
  /** Chernoff's upper bound; null where it does not apply. */
  readonly chernoff: number | null;
  /** The ratio itself. */
  readonly ratio: number;
  /** Eq. 11 per dimension as printed; null unless p = 2, q = ∞. */
  readonly slopePrinted: number | null;
  /** The limit of ratio / d as d → ∞. */
  readonly slopeTrue: number;
}

/** Table 1 as printed: log₁₀ by dimension. */
export const printedTable1: ReadonlyMap<number, number> = new Map([
  [2, -0.009],
  [784, -144],
  [3072, -578],
  [150528, -28946],
]);

const numberOf = (order: Order): number => (order === "inf" ? Number.POSITIVE_INFINITY : order);

function check(dimension: number, orders: readonly Order[]): void {
  if (!Number.isSafeInteger(dimension) || dimension < 1)
    throw new UsageError(
      `dimension is ${dimension}, but balls are compared in a whole number of dimensions; give 1 or more`,
      { code: "bad-option" },
    );
  for (const order of orders)
    if (!(numberOf(order) >= 1))
      throw new UsageError(
        `the order of a norm is ${order}, but below 1 it is none; give 1 or more, or inf`,
        { code: "bad-option" },
      );
}

/**
 * The row of one dimension. Throws `UsageError` for a dimension below 1 or an order below 1.
 *
 * @example
 * ```ts
 * import { theoryRow } from "rampart";
 *
 * console.log(theoryRow(3072));
 * ```
 */
export function theoryRow(dimension: number, p: Order = 2, q: Order = "inf"): TheoryRow {
  check(dimension, [p, q]);
  const [x, y] = [numberOf(p), numberOf(q)];
  const papers = p === 2 && y === Number.POSITIVE_INFINITY;
  return {
    dimension,
    p: x === Number.POSITIVE_INFINITY ? "inf" : x,
    q: y === Number.POSITIVE_INFINITY ? "inf" : y,
    radius: equalVolumeRadius(dimension, x, y),
    printed: papers ? (printedTable1.get(dimension) ?? null) : null,
    asPrinted: papers ? log10AsPrinted(dimension) : null,
    hoeffding: log10Hoeffding(dimension, x, y),
    chernoff: log10Chernoff(dimension, x, y),
    ratio: log10Ratio(dimension, x, y),
    slopePrinted: papers ? slopeAsPrinted : null,
    slopeTrue: slopeOfRatio(x, y),
  };
}

/**
 * Theorem 1 as printed, as bounded and as computed; by default in the dimensions of the paper's Table 1.
 *
 * @example
 * ```ts
 * import { table1 } from "rampart";
 *
 * console.log(table1([2, 784])); // how much of an ℓ∞ ball an ℓ2 ball of the same volume covers
 * ```
 */
export const table1 = (
  dimensions: readonly number[] = [...printedTable1.keys()],
  { p = 2, q = "inf" }: { readonly p?: Order; readonly q?: Order } = {},
): TheoryRow[] => dimensions.map((dimension) => theoryRow(dimension, p, q));
