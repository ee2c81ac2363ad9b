// Sequential tests of a success probability, which may stop as soon as the evidence suffices.
import { lowerBound } from "./binomial.ts";

/** The alternatives: their distances to 1 (or to 0), as shares of the distance of the tested probability. */
const SHARES = [
  0.99, 0.97, 0.95, 0.9, 0.8, 0.65, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.025, 0.01, 0.003, 0.001,
];

/** ln Σ exp(values), without overflow. */
function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

/**
 * The logarithm of the e-process E_t = (1/m) Σ_j (q_j/p)^k ((1 − q_j)/(1 − p))^(t − k) after k successes in t draws, against
 * the hypothesis that the success probability is at most p; the q_j > p are alternatives. Each factor
 * (q/p)^X ((1 − q)/(1 − p))^(1 − X) is a bet whose mean is 1 at p and less below it, so E_t is a non-negative supermartingale
 * that starts at 1. By Ville's inequality, the probability that it ever reaches 1/α is at most α, for any stopping time
 * (Waudby-Smith & Ramdas 2024, arXiv:2010.09686; for certificates Voráček 2024, arXiv:2406.17830).
 */
export function logEvidenceAbove(p: number, successes: number, draws: number): number {
  const failures = draws - successes;
  const terms = SHARES.map((share) => {
    const alternative = 1 - (1 - p) * share;
    return successes * Math.log(alternative / p) + failures * Math.log(share);
  });
  return logSumExp(terms) - Math.log(SHARES.length);
}

/** The same against the hypothesis that the success probability is at least p. */
export const logEvidenceBelow = (p: number, successes: number, draws: number): number =>
  logEvidenceAbove(1 - p, draws - successes, draws);

/** The decision of a sequential test: above p, below p, or open. */
export type Decision = "above" | "below" | "open";

/** The part of α for early stopping; the rest is for the test of all draws. */
const EARLY = 0.5;

/**
 * The evidence at which the test gives up on an image. It gives up wrongly on at most 1 in 100 images. No certificate
 * depends on this.
 */
const GIVE_UP = 100;

/**
 * The decision about the success probability against p, after any number of draws up to `most`. "above" is wrong with
 * probability at most α, for any stopping time: the e-process ever reaches 2/α with probability at most α/2 (Ville), and a
 * one-sided Clopper–Pearson bound of all `most` draws at level α/2 is wrong with probability at most α/2. "below" only saves draws.
 */
export function decide(
  p: number,
  { successes, draws }: { readonly successes: number; readonly draws: number },
  { alpha, most }: { readonly alpha: number; readonly most: number },
): Decision {
  if (logEvidenceAbove(p, successes, draws) >= -Math.log(EARLY * alpha)) return "above";
  if (draws === most && lowerBound(successes, draws, (1 - EARLY) * alpha) >= p) return "above";
  return logEvidenceBelow(p, successes, draws) >= Math.log(GIVE_UP) ? "below" : "open";
}
