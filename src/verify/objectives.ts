import { excessOver, type Inequality } from "./property.ts";

/** The value of an objective at some outputs, and its gradient by the outputs, `weights` [outputs]. */
export interface ObjectiveValue {
  readonly value: number;
  readonly weights: Float64Array;
}

/** A function of the excesses [conditions] of a conjunction, which is small if the conjunction holds. */
export type Objective = (excesses: Float64Array) => {
  readonly value: number;
  /** ∂value/∂excess of each condition. */
  readonly slopes: Float64Array;
};

/** The largest excess; of equal ones the first. */
export const worstTerm: Objective = (excesses) => {
  let worst = 0;
  for (let k = 1; k < excesses.length; k++) if (excesses[k] > excesses[worst]) worst = k;
  const slopes = new Float64Array(excesses.length);
  slopes[worst] = 1;
  return { value: excesses[worst], slopes };
};

/** The sum of the positive excesses; the largest excess if none is positive. */
export const sumOfViolated: Objective = (excesses) => {
  let value = 0;
  for (const excess of excesses) value += Math.max(excess, 0);
  return value === 0
    ? worstTerm(excesses)
    : { value, slopes: excesses.map((excess) => (excess > 0 ? 1 : 0)) };
};

/**
 * τ log Σ e^(excess / τ), a smooth maximum with a softmax as slopes. τ is a tenth of the spread of the first excesses.
 */
export function smoothMaximum(): Objective {
  let temperature = 0;
  return (excesses) => {
    const { value: largest } = worstTerm(excesses);
    const finite = excesses.filter(Number.isFinite);
    if (temperature === 0 && finite.length > 0) temperature = (largest - Math.min(...finite)) / 10;
    if (!(temperature > 0 && temperature < Number.POSITIVE_INFINITY)) return worstTerm(excesses);
    const powers = excesses.map((excess) => Math.exp((excess - largest) / temperature));
    const sum = powers.reduce((total, power) => total + power, 0);
    return {
      value: largest + temperature * Math.log(sum),
      slopes: powers.map((power) => power / sum),
    };
  };
}

/** An objective over at least one condition, at outputs [outputs] that start at `offset`. */
export function pointOf(
  conditions: readonly Inequality[],
  objective: Objective,
  outputs: ArrayLike<number>,
  offset: number,
): ObjectiveValue {
  const { value, slopes } = objective(excessesOf(conditions, outputs, offset));
  const weights = new Float64Array(conditions[0].coefficients.length);
  for (const [k, { coefficients }] of conditions.entries())
    if (slopes[k] !== 0)
      for (let j = 0; j < weights.length; j++) weights[j] += slopes[k] * coefficients[j];
  return { value, weights };
}

/** coefficients · outputs − bound of each condition, [conditions]. */
export const excessesOf = (
  conditions: readonly Inequality[],
  outputs: ArrayLike<number>,
  offset: number,
): Float64Array =>
  Float64Array.from(conditions, (condition) => excessOver(condition, outputs, offset));
