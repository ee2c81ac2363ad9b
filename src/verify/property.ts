/** Σ coefficients · outputs ≤ bound; coefficients [outputs]. */
export interface Inequality {
  readonly coefficients: Float64Array;
  readonly bound: number;
  /** Whether it compares two outputs and nothing else, exactly: c·Y_i ≤ c·Y_j or c·Y_i < c·Y_j for a c > 0. */
  readonly isOrder?: boolean | undefined;
}

/** One way to violate a property: a point of a box whose outputs satisfy all conditions. */
export interface Case {
  /** The bounds of the box, both included, as doubles: [inputs] each. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly conditions: readonly Inequality[];
}

/** A property of a network, as a disjunction of cases that violate it. */
export interface Property {
  /** The number of inputs X_0, X_1, … */
  readonly inputs: number;
  /** The number of outputs Y_0, Y_1, … */
  readonly outputs: number;
  /** The cases in the order of the text, without those whose box is empty. */
  readonly cases: readonly Case[];
}

/** The cases that share both arrays of their box, in the order of their first case. */
export function casesByBox(cases: readonly Case[]): Case[][] {
  const groups: Case[][] = [];
  const byLower = new Map<Float64Array, Case[][]>();
  for (const one of cases) {
    const candidates = byLower.get(one.lower) ?? [];
    byLower.set(one.lower, candidates);
    const group = candidates.find(([{ upper }]) => upper === one.upper);
    if (group !== undefined) {
      group.push(one);
      continue;
    }
    const added = [one];
    candidates.push(added);
    groups.push(added);
  }
  return groups;
}

/**
 * The excess of conditions at outputs [outputs] that start at `offset`: max over the conditions of coefficients ·
 * outputs − bound, in double precision. The conditions hold if it is at most 0. −∞ without conditions; NaN if an output
 * with a coefficient is NaN.
 */
export function excessOf(
  conditions: readonly Inequality[],
  outputs: ArrayLike<number>,
  offset = 0,
): number {
  let worst = Number.NEGATIVE_INFINITY;
  for (const condition of conditions) {
    const excess = excessOver(condition, outputs, offset);
    if (Number.isNaN(excess)) return excess;
    if (excess > worst) worst = excess;
  }
  return worst;
}

/** coefficients · outputs − bound of one condition. Ignores outputs with coefficient 0, even NaN. */
export function excessOver(
  { coefficients, bound }: Inequality,
  outputs: ArrayLike<number>,
  offset = 0,
): number {
  let sum = 0;
  for (let j = 0; j < coefficients.length; j++)
    if (coefficients[j] !== 0) sum += coefficients[j] * outputs[offset + j];
  return sum - bound;
}
