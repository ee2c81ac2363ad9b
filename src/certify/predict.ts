// Predicts the class of a classifier under noise, by a test on fresh draws.
import { fold, type Key } from "../math/random.ts";
import { argmax } from "../math/tensor.ts";
import { signTest } from "./binomial.ts";
import { certificateOf } from "./certificates.ts";
import { anyOf, type NoisyImages, noisyImages } from "./noisy-images.ts";
import { noisyPoints } from "./noisy-point.ts";
import { allVotes, checkDraws, pollOf, type SmoothedClassifier } from "./smoothed.ts";
import { count } from "./votes.ts";

/** The key of these draws; `certify` uses 0 and 1. */
const PREDICTION = 2;

/** The settings of a test: the draws, and the probability that the answer is wrong. */
export interface PredictOptions {
  readonly n: number;
  readonly alpha: number;
}

/** A prediction of the smoothed classifier. */
export interface Prediction {
  /** The class; null if the certifier abstains. */
  readonly prediction: number | null;
  /** The number of draws; all of them if they are enumerated. */
  readonly n: number;
  /** Votes per class [classes]. */
  readonly counts: readonly number[];
}

/**
 * The smoothed classifier's class of one image [...shape], which is wrong with probability at most α (Cohen et al.
 * 2019, arXiv:1902.02918, Algorithm 1, PREDICT; Hung & Fithian 2019): abstains unless the two most frequent classes
 * differ. The sampling error of the noise is taken into account.
 *
 * @example
 * ```ts
 * import { classifier, predictImage, keyOf, nodeRuntime, openDataset, openModel } from "rampart/node";
 *
 * const { architecture, parameters } = await openModel("runs/at");
 * const smoothed = {
 *   network: classifier(await nodeRuntime(), architecture, parameters),
 *   shape: architecture.inputShape,
 *   classes: architecture.classes,
 *   noise: "normal:0.25",
 *   sampling: "sound",
 *   batch: 50,
 * } as const;
 * const { test } = await openDataset("shapes");
 * const image = test.images([0]).data;
 * console.log(await predictImage(smoothed, image, keyOf(0), { n: 100, alpha: 0.001 }));
 * ```
 */
export async function predict(
  smoothed: SmoothedClassifier,
  image: Float32Array,
  key: Key,
  { n, alpha }: PredictOptions,
): Promise<Prediction> {
  checkDraws({ n, alpha });
  const certificate = certificateOf(smoothed.noise);
  if (certificate.draws !== null) {
    const all = { key, draws: certificate.draws };
    const { prediction, counts } = await allVotes(smoothed, image, all);
    return { prediction, n: certificate.draws, counts };
  }
  const parts = certificate.components.map((noise) =>
    noisyImages(noise, smoothed.shape, smoothed.sampling),
  );
  return tested(smoothed, image, { noisy: anyOf(parts), key, n, alpha });
}

/**
 * The same at any point [...shape]. Under sound sampling the classifier rounds x + η to 8 bits, so x may lie off the grid.
 * A noise with enumerated draws needs an 8-bit point.
 */
export async function predictAt(
  smoothed: SmoothedClassifier,
  point: Float32Array,
  key: Key,
  { n, alpha }: PredictOptions,
): Promise<Prediction> {
  const { noise, shape, sampling } = smoothed;
  if (certificateOf(noise).draws !== null) return predict(smoothed, point, key, { n, alpha });
  checkDraws({ n, alpha });
  return tested(smoothed, point, { noisy: noisyPoints(noise, shape, sampling), key, n, alpha });
}

/**
 * The class of most votes, if it is the most probable one at level α; else null. `counts` [classes] are of n draws within a total
 * variation of `error` of exact noise. Draws without a vote count for the second class, against the first. If
 * class A is the most probable one, with exact probabilities p_B ≤ p_A, then the share of B among the draws of both is at most
 * (p_B + error)/(p_A + p_B) ≤ ½ + error/2p_A, and p_A ≥ 1/classes, since draws without a vote count for A.
 */
export function winner(
  counts: readonly number[],
  { n, alpha, error }: PredictOptions & { readonly error: number },
): number | null {
  const cast = counts.reduce((sum, one) => sum + one, 0);
  const first = argmax(counts);
  const second = Math.max(0, ...counts.filter((_, i) => i !== first)) + (n - cast);
  const share = Math.min(1, 0.5 + (error * counts.length) / 2);
  const isClear =
    counts[first] > second && signTest(counts[first], counts[first] + second, share) <= alpha;
  return isClear ? first : null;
}

async function tested(
  smoothed: SmoothedClassifier,
  image: Float32Array,
  { noisy, key, n, alpha }: PredictOptions & { readonly noisy: NoisyImages; readonly key: Key },
): Promise<Prediction> {
  const poll = { image, noisy, key: fold(key, PREDICTION), draws: n };
  const counts = await count(smoothed.network, pollOf(smoothed, poll));
  return { prediction: winner(counts, { n, alpha, error: noisy.error }), n, counts };
}
