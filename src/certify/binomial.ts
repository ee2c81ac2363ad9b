// Exact statements about a success probability after independent trials.
import { betaCdf, betaQuantile } from "../math/special.ts";

/** An upper bound on the absolute error of `betaQuantile` for n trials. Subtracting it gives a valid lower bound. */
const quantileError = (n: number): number => (n <= 100_000 ? 2e-13 : Math.max(8e-13, 4e-19 * n));

/**
 * The one-sided lower confidence bound of a success probability at level 1 − α (Clopper & Pearson 1934): the α-quantile of
 * Beta(k, n − k + 1). Rounded down, by less than 1e-12 for up
 * to a million trials.
 *
 * @example
 * ```ts
 * import { lowerBound } from "rampart";
 *
 * console.log(lowerBound(990, 1000, 0.001)); // 0.9769…: the probability is above it with confidence 99.9 %
 * ```
 */
export function lowerBound(successes: number, n: number, alpha: number): number {
  if (successes <= 0) return 0;
  // P(n successes) = pⁿ, so the bound has a closed form.
  const exact =
    successes === n
      ? Math.exp(Math.log(alpha) / n)
      : betaQuantile(alpha, successes, n - successes + 1);
  return Math.max(0, exact - quantileError(n));
}

/**
 * The two-sided p-value of k successes in n trials under the success probability ½, by the exact binomial test. With a larger
 * `share`, the hypothesis is that neither success nor failure is more probable than `share`.
 *
 * @example
 * ```ts
 * import { signTest } from "rampart";
 *
 * console.log(signTest(60, 100)); // the p-value of 60 heads in 100 throws of a fair coin
 * ```
 */
export function signTest(successes: number, n: number, share = 0.5): number {
  const more = Math.max(successes, n - successes);
  return more * 2 === n ? 1 : Math.min(1, 2 * betaCdf(share, more, n - more + 1));
}

/**
 * The smallest number of successes in n trials whose lower bound is above ½; null if even n successes are too few.
 *
 * @example
 * ```ts
 * import { smallestCount } from "rampart";
 *
 * console.log(smallestCount(1000, 0.001)); // fewer draws for the top class prove nothing
 * ```
 */
export function smallestCount(n: number, alpha: number): number | null {
  if (lowerBound(n, n, alpha) <= 0.5) return null;
  let [low, high] = [Math.floor(n / 2), n];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (lowerBound(middle, n, alpha) > 0.5) high = middle;
    else low = middle;
  }
  return high;
}
