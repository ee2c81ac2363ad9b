import { betaQuantile, normalQuantile } from "./special.ts";

/** An estimate and the interval that covers the truth with probability `level`. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** The z with P(|Z| ≤ z) = level for a standard normal Z; 1.96 for 0.95. */
const twoSided = (level: number): number => normalQuantile((1 + level) / 2);

/** A share of n independent trials (Wilson 1927, score interval); `successes` may be fractional, n = 0 gives [0, 1]. */
export function wilson(successes: number, n: number, level = 0.95): Interval {
  if (n === 0) return { mean: Number.NaN, low: 0, high: 1 };
  const mean = successes / n;
  const z2 = twoSided(level) ** 2;
  const centre = (mean + z2 / (2 * n)) / (1 + z2 / n);
  const half = Math.sqrt(z2 * ((mean * (1 - mean)) / n + z2 / (4 * n * n))) / (1 + z2 / n);
  // The ends are exact at 0 and n successes, where rounding would leave 1e-18.
  return {
    mean,
    low: mean === 0 ? 0 : Math.max(0, centre - half),
    high: mean === 1 ? 1 : Math.min(1, centre + half),
  };
}

/** The same share, never covering less than `level` (Clopper & Pearson 1934). */
export function clopperPearson(successes: number, n: number, level = 0.95): Interval {
  if (n === 0) return { mean: Number.NaN, low: 0, high: 1 };
  const tail = (1 - level) / 2;
  return {
    mean: successes / n,
    low: successes === 0 ? 0 : betaQuantile(tail, successes, n - successes + 1),
    high: successes === n ? 1 : betaQuantile(1 - tail, successes + 1, n - successes),
  };
}

/** The t with P(|T| ≤ t) = level, for Student's T with these degrees of freedom. */
export function studentQuantile(level: number, degrees: number): number {
  // T² / (ν + T²) is Beta(½, ν/2).
  const y = betaQuantile(level, 0.5, degrees / 2);
  return Math.sqrt((degrees * y) / (1 - y));
}

/** Mean of at least one number; NaN of none. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean of independent values of any distribution, by Student's t; one value says nothing: [−∞, ∞]. */
export function meanInterval(values: readonly number[], level = 0.95): Interval {
  const centre = mean(values);
  const n = values.length;
  if (n < 2) return { mean: centre, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (n - 1);
  const half = studentQuantile(level, n - 1) * Math.sqrt(variance / n);
  return { mean: centre, low: centre - half, high: centre + half };
}

/**
 * Accuracy of a randomised classifier: `shares[i]` of `draws` noise draws were right on example i.
 * Two levels vary, examples and draws within an example; the variance of the mean is at least what either shows.
 * It is turned into a number of yes-or-no examples that would vary as much, and Wilson's interval is taken for
 * these, so that a deterministic classifier (shares 0 or 1) gets exactly Wilson's interval.
 */
export function twoLevelInterval(shares: readonly number[], draws: number, level = 0.95): Interval {
  const n = shares.length;
  if (n === 0) return wilson(0, 0, level);
  const total = shares.reduce((sum, share) => sum + share, 0);
  // z²/2 examples of each kind are added (Agresti & Coull 1998), or the variance of a few rare events would be taken at its word.
  const added = twoSided(level) ** 2 / 2;
  const size = n + 2 * added;
  const centre = (total + added) / size;
  const squares = shares.reduce((sum, share) => sum + (share - centre) ** 2, 0);
  const observed = squares + added * (centre ** 2 + (1 - centre) ** 2);
  const perDraw = shares.reduce((sum, share) => sum + share * (1 - share), 0);
  const within = draws > 1 ? perDraw / (draws - 1) : 0;
  const ratio = Math.min(1, Math.max(observed, within) / (size * centre * (1 - centre)));
  const { low, high } = wilson(total / ratio, n / ratio, level);
  // Not the quotient of the two, which rounding puts below 30 / 32.
  return { mean: total / n, low, high };
}
