/** Σ coefficients · outputs ≤ bound; coefficients [outputs]. */
export interface Inequality {
  readonly coefficients: Float64Array;
  readonly bound: number;
}

/** One way to violate a property: some point of the box whose outputs satisfy all conditions. */
export interface Case {
  /** Bounds of each input, both included, as doubles; [inputs]. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly conditions: readonly Inequality[];
}

/** What a counterexample is: a point and its outputs that satisfy any one of the cases. */
export interface Property {
  readonly inputs: number;
  readonly outputs: number;
  /** In the order of the text; cases whose box is empty are left out. */
  readonly cases: readonly Case[];
}

/**
 * max over the conditions of coefficients · outputs − bound, in double precision: the case's conditions hold where it
 * is at most 0. −∞ without conditions, NaN where an output that counts is NaN.
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

/** coefficients · outputs − bound of one condition; outputs start at `offset`. */
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
