// Tests whether an adversarial point refutes a certificate. Inside the radius, the certified class has probability ≥ ½.

import type { Key } from "../math/random.ts";
import { betaCdf } from "../math/special.ts";
import { certificateOf } from "./certificates.ts";
import { enumeratedImages } from "./enumerated.ts";
import { noisyPoints } from "./noisy-point.ts";
import type { SmoothedClassifier } from "./smoothed.ts";
import { LOST_DRAW, tally, votes } from "./votes.ts";

/** Fresh draws at an adversarial point. */
export const REFUTING_DRAWS = 10_000;
/** Upper bound on the probability that a correct certificate is refuted. */
export const REFUTING_LEVEL = 1e-6;

/** The result of fresh draws at a point for a certified class. */
export interface Refutation {
  /** The number of draws made; drawing stops once the remaining draws cannot change the decision. */
  readonly draws: number;
  /** The number of draws that voted for the class. */
  readonly votes: number;
  /** Whether a probability of at least ½ is rejected. */
  readonly refuted: boolean;
}

/** The settings of a test of a certificate. */
export interface RefuteOptions {
  /** The certified class. */
  readonly prediction: number;
  readonly draws?: number;
  readonly level?: number;
}

/** P(X ≤ k) of n trials with success probability p. */
const atMost = (k: number, n: number, p: number): number =>
  k >= n ? 1 : betaCdf(1 - p, n - k, k + 1);

/** The largest number of votes of n that rejects the probability p at a level, by the exact binomial test; −1 if none does. */
export function mostRefuting(n: number, p: number, level: number): number {
  let [low, high] = [-1, n];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (atMost(middle, n, p) <= level) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * Counts all draws at an 8-bit point, for an exact certificate. If two classes have equally many votes, the first one wins.
 * A lost draw could have been a vote for the certified class.
 */
async function refuteExactly(
  { network, shape, batch, classes, signal, note }: SmoothedClassifier,
  point: Float32Array,
  key: Key,
  { prediction, all }: { readonly prediction: number; readonly all: number },
): Promise<Refutation> {
  const noisy = enumeratedImages(shape, all);
  const poll = { image: point, noisy, key, draws: all, batch, classes, signal, note };
  const { counts, lost } = await tally(network, poll);
  const most = counts[prediction] + lost;
  const refuted = counts.some((n, other) =>
    other < prediction ? n >= most : other > prediction && n > most,
  );
  return { draws: all, votes: counts[prediction], refuted };
}

/**
 * Tests with fresh draws whether the certified class has probability at least ½ at a point [...shape], by the exact binomial
 * test. Drawing stops once the remaining votes cannot change the decision. `key` must not be used elsewhere. Under sound
 * sampling the point may lie off the grid of 8-bit pixels. A noise with enumerated draws needs an 8-bit point. Draws of a
 * lost batch count as votes for the class, so a failing device cannot refute a certificate.
 */
export async function refute(
  smoothed: SmoothedClassifier,
  point: Float32Array,
  key: Key,
  { prediction, draws: n = REFUTING_DRAWS, level = REFUTING_LEVEL }: RefuteOptions,
): Promise<Refutation> {
  const { network, shape, noise, sampling, batch, classes, signal, note } = smoothed;
  const { draws: all } = certificateOf(noise);
  if (all !== null) return refuteExactly(smoothed, point, key, { prediction, all });
  const noisy = noisyPoints(noise, shape, sampling);
  const most = mostRefuting(n, 0.5 - noisy.error, level);
  const poll = { image: point, noisy, key, draws: n, batch, classes, signal, note };
  let [draws, won] = [0, 0];
  for await (const part of votes(network, poll))
    for (const vote of part) {
      draws++;
      // A lost draw is unknown. For a refutation, the worst case is a vote for the class.
      if (vote === prediction || vote === LOST_DRAW) won++;
      if (won > most) return { draws, votes: won, refuted: false };
      if (draws - won >= n - most) return { draws, votes: won, refuted: true };
    }
  return { draws, votes: won, refuted: won <= most };
}
