import { betaQuantile, normalQuantile } from "./special.ts";

/** An estimate and its confidence interval, which covers the true value with probability `level`. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** The z with P(|Z| ≤ z) = level for a standard normal Z; 1.96 for 0.95. */
const normalQuantileTwoSided = (level: number): number => normalQuantile((1 + level) / 2);

/**
 * The score interval of a success probability after n independent trials (Wilson 1927). `successes` may be fractional;
 * n = 0 gives [0, 1].
 */
export function wilson(successes: number, n: number, level = 0.95): Interval {
  if (n === 0) return { mean: Number.NaN, low: 0, high: 1 };
  const mean = successes / n;
  const z2 = normalQuantileTwoSided(level) ** 2;
  const centre = (mean + z2 / (2 * n)) / (1 + z2 / n);
  const half = Math.sqrt(z2 * ((mean * (1 - mean)) / n + z2 / (4 * n * n))) / (1 + z2 / n);
  // Exact ends at 0 and n successes, where rounding would leave 1e-18.
  return {
    mean,
    low: mean === 0 ? 0 : Math.max(0, centre - half),
    high: mean === 1 ? 1 : Math.min(1, centre + half),
  };
}

/** The exact interval of a success probability, whose coverage is at least `level` (Clopper & Pearson 1934); n = 0 gives [0, 1]. */
export function clopperPearson(successes: number, n: number, level = 0.95): Interval {
  if (n === 0) return { mean: Number.NaN, low: 0, high: 1 };
  const tail = (1 - level) / 2;
  return {
    mean: successes / n,
    low: successes === 0 ? 0 : betaQuantile(tail, successes, n - successes + 1),
    high: successes === n ? 1 : betaQuantile(1 - tail, successes + 1, n - successes),
  };
}

/** The t with P(|T| ≤ t) = level for Student's T with `degrees` degrees of freedom. */
export function studentQuantile(level: number, degrees: number): number {
  // T² / (ν + T²) is Beta(½, ν/2).
  const y = betaQuantile(level, 0.5, degrees / 2);
  return Math.sqrt((degrees * y) / (1 - y));
}

/** The mean of numbers; NaN of none. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The mean of independent values, with Student's t interval; [−∞, ∞] for fewer than two values. */
export function meanInterval(values: readonly number[], level = 0.95): Interval {
  const centre = mean(values);
  const n = values.length;
  if (n < 2) return { mean: centre, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (n - 1);
  const half = studentQuantile(level, n - 1) * Math.sqrt(variance / n);
  return { mean: centre, low: centre - half, high: centre + half };
}

/**
 * The accuracy of a randomised classifier that is right on example i in a share `shares[i]` of `draws` noise draws. Both the
 * examples and the draws are samples. The variance of the mean is estimated as the larger of the variance between examples
 * and the variance that the draws cause. The interval is Wilson's for the number of Bernoulli trials whose mean has that
 * variance, so a deterministic classifier (shares 0 or 1) gets exactly Wilson's interval.
 */
export function twoLevelInterval(shares: readonly number[], draws: number, level = 0.95): Interval {
  const n = shares.length;
  if (n === 0) return wilson(0, 0, level);
  const total = shares.reduce((sum, share) => sum + share, 0);
  // Adds z² / 2 successes and failures (Agresti & Coull 1998): the empirical variance of a few rare events is too small.
  const added = normalQuantileTwoSided(level) ** 2 / 2;
  const size = n + 2 * added;
  const centre = (total + added) / size;
  const squares = shares.reduce((sum, share) => sum + (share - centre) ** 2, 0);
  const observed = squares + added * (centre ** 2 + (1 - centre) ** 2);
  const perDraw = shares.reduce((sum, share) => sum + share * (1 - share), 0);
  const within = draws > 1 ? perDraw / (draws - 1) : 0;
  const ratio = Math.min(1, Math.max(observed, within) / (size * centre * (1 - centre)));
  const { low, high } = wilson(total / ratio, n / ratio, level);
  // The mean of `wilson` is a quotient of rounded numbers, which may be below 30 / 32.
  return { mean: total / n, low, high };
}

/** An accuracy within this many standard deviations of guessing counts as no better than chance. */
const DEVIATIONS = 3;
/** An accuracy above this share is never chance, however few images there are, unless guessing itself has it. */
const NEVER_CHANCE = 2 / 3;

/**
 * Whether guessing also reaches an accuracy on this number of images. `guessed` is the share that guessing gets right: 1 / classes,
 * or the share of the most frequent class.
 */
export function isGuessing(accuracy: number, guessed: number, images: number): boolean {
  const bound = guessed + DEVIATIONS * Math.sqrt((guessed * (1 - guessed)) / images);
  return accuracy <= Math.min(bound, Math.max(NEVER_CHANCE, guessed));
}
