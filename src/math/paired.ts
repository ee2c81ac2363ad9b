// Statistics of pairs: two classifiers on the same examples.
import { fillBits, fold, type Key } from "./random.ts";
import { betaCdf, normalCdf, normalQuantile } from "./special.ts";
import { type Interval, mean } from "./statistics.ts";

/**
 * The exact two-sided p-value of McNemar's test (1947): `lost` pairs went from right to wrong and `gained` from wrong to right.
 * If both are equally likely, `lost` is Binomial(lost + gained, ½); 1 without such pairs.
 *
 * @example
 * ```ts
 * import { mcnemar } from "rampart";
 *
 * console.log(mcnemar(9, 1)); // 0.021484375
 * ```
 */
export function mcnemar(lost: number, gained: number): number {
  const more = Math.max(lost, gained);
  // P(X ≥ more) = I_½(more, n − more + 1), and the other tail is as likely.
  return lost === gained ? 1 : Math.min(1, 2 * betaCdf(0.5, more, lost + gained - more + 1));
}

/** How often the differences are drawn again. */
const RESAMPLES = 2000;

/** The sorted means of `RESAMPLES` samples of the values, drawn with replacement. */
function resampledMeans(values: readonly number[], key: Key): Float64Array {
  const n = values.length;
  const own = Float64Array.from(values);
  const words = new Uint32Array(n);
  const means = new Float64Array(RESAMPLES);
  for (let sample = 0; sample < RESAMPLES; sample++) {
    fillBits(fold(key, sample), words);
    let sum = 0;
    for (const word of words) sum += own[Math.floor((word / 2 ** 32) * n)];
    means[sample] = sum / n;
  }
  return means.sort();
}

/** Share of sorted means below `centre`; those equal to it up to rounding count half. */
function shareBelow(means: Float64Array, centre: number): number {
  const below = means.filter((one) => one < centre - 1e-12).length;
  const upTo = means.filter((one) => one <= centre + 1e-12).length;
  return (below + upTo) / 2 / means.length;
}

/**
 * The interval of the mean of n values that are all `value` in [−1, 1]: with confidence `level`, at most a share q of the
 * population has another one, where (1 − q)ⁿ = (1 − level) / 2.
 */
function allEqual(value: number, n: number, level: number): Interval {
  const q = 1 - ((1 - level) / 2) ** (1 / n);
  return { mean: value, low: value - q * (value + 1), high: value + q * (1 - value) };
}

/**
 * The mean of paired differences, each in [−1, 1], with its bootstrap interval: bias-corrected and accelerated (BCa, Efron
 * 1987), 2000 samples of the pairs drawn from `key`. Equal differences, on which a bootstrap has no width, get the exact bound
 * on the share of pairs that differ from them. No pairs give [−1, 1].
 */
export function pairedDifference(differences: readonly number[], key: Key, level = 0.95): Interval {
  const n = differences.length;
  if (n === 0) return { mean: Number.NaN, low: -1, high: 1 };
  const centre = mean(differences);
  if (differences.every((one) => one === differences[0])) return allEqual(differences[0], n, level);
  const means = resampledMeans(differences, key);
  const bias = normalQuantile(shareBelow(means, centre));
  const deviations = differences.map((one) => one - centre);
  const squares = deviations.reduce((sum, one) => sum + one ** 2, 0);
  const cubes = deviations.reduce((sum, one) => sum + one ** 3, 0);
  const acceleration = cubes / (6 * squares ** 1.5);
  const quantile = (p: number): number => {
    const z = bias + normalQuantile(p);
    const adjusted = normalCdf(bias + z / (1 - acceleration * z));
    return means[Math.min(RESAMPLES - 1, Math.max(0, Math.floor(adjusted * RESAMPLES)))];
  };
  return { mean: centre, low: quantile((1 - level) / 2), high: quantile((1 + level) / 2) };
}
