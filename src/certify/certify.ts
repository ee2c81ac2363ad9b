// Randomised smoothing of one image (Cohen et al. 2019, arXiv:1902.02918, Algorithm 1), for every noise with a certificate.
import { fold, type Key } from "../math/random.ts";
import { argmax, elementCount, type Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { lowerBound } from "./binomial.ts";
import { certificateOf } from "./certificates.ts";
import { anyOf, noisyImages } from "./noisy-images.ts";
import { type CertifiedNorm, inAllNorms, type Radii } from "./radii.ts";
import { decide } from "./sequential.ts";
import { allVotes, checkDraws, pollOf, type SmoothedClassifier } from "./smoothed.ts";
import { type BaseClassifier, count, isVote, type Poll, votes } from "./votes.ts";

/** A radius to test for, with as few draws as possible. */
export interface Target {
  readonly norm: CertifiedNorm;
  readonly radius: number;
}

/** The settings of a certificate. */
export interface CertifyOptions {
  /** Draws that choose the class. */
  readonly n0: number;
  /** Further draws that bound the class's probability, per component; with `target`, the largest number of draws. */
  readonly n: number;
  /** Upper bound on the probability that a radius is wrong. */
  readonly alpha: number;
  /** Tests one radius sequentially; undefined to compute the largest radius that n draws prove. */
  readonly target?: Target | undefined;
}

/** The draws under one noise. */
export interface Component {
  readonly noise: string;
  readonly n: number;
  /** Votes per class [classes]; draws with tied or NaN logits and lost draws count only in n. */
  readonly counts: readonly number[];
  /** Lower bound of the probability of the predicted class. */
  readonly pLower: number;
}

/** A certificate of one image. */
export interface CertifiedImage {
  /** The class; null if the certifier abstains. */
  readonly prediction: number | null;
  readonly components: readonly Component[];
  /** Within these distances the smoothed classifier answers `prediction`, with probability at least 1 − α. */
  readonly radius: Radii;
}

// Keys of the draws of one image; `predict` uses 2.
const CHOICE = 0;
const BOUND = 1;

/** The smallest probability, up to rounding, for which the radius reaches the target. Throws `UsageError` if there is none. */
export function probabilityFor(noise: string, { norm, radius }: Target, shape: Shape): number {
  const certificate = certificateOf(noise);
  const at = (p: number) => certificate.radii([p], elementCount(shape))[norm];
  if (certificate.draws !== null)
    throw new UsageError(
      `${noise} has ${certificate.draws} draws, and all of them are counted; leave out --sequential`,
      { code: "misfit" },
    );
  if (certificate.components.length > 1)
    throw new UsageError(
      `${noise} is sampled in ${certificate.components.length} parts, and a sequential test has one; leave out --sequential`,
      { code: "misfit" },
    );
  let [low, high] = [0.5, 1 - 1e-9];
  if (!(radius > 0 && at(high) >= radius))
    throw new UsageError(
      `${noise} certifies ${norm} radii above 0 and up to ${at(high).toPrecision(3)}, got the target ${radius}`,
      { code: "bad-option" },
    );
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (at(middle) >= radius) high = middle;
    else low = middle;
  }
  return high;
}

/** Draws until the target is proven or out of reach, and at most `poll.draws`. */
async function sequentially(
  network: BaseClassifier,
  poll: Poll,
  {
    prediction,
    p,
    alpha,
  }: { readonly prediction: number; readonly p: number; readonly alpha: number },
): Promise<Omit<Component, "noise">> {
  const counts = Array.from({ length: poll.classes }, () => 0);
  let n = 0;
  for await (const part of votes(network, poll)) {
    n += part.length;
    for (const vote of part) if (isVote(vote)) counts[vote]++;
    const votesFor = { successes: counts[prediction], draws: n };
    const decision = decide(p + poll.noisy.error, votesFor, { alpha, most: poll.draws });
    if (decision !== "open") return { n, counts, pLower: decision === "above" ? p : 0 };
  }
  return { n, counts, pLower: 0 };
}

/** Certifies one image by all draws of the noise. */
async function certifyExactly(
  smoothed: SmoothedClassifier,
  image: Float32Array,
  { key, draws }: { readonly key: Key; readonly draws: number },
): Promise<CertifiedImage> {
  const { counts, prediction, l1 } = await allVotes(smoothed, image, { key, draws });
  const noise = certificateOf(smoothed.noise).noise;
  const pLower = prediction === null ? 0 : counts[prediction] / draws;
  return {
    prediction,
    components: [{ noise, n: draws, counts, pLower }],
    radius: inAllNorms({ l1 }, elementCount(smoothed.shape)),
  };
}

/**
 * Certifies one image [...shape] with pixels in [0, 1]: `n0` draws choose the class, `n` fresh ones per component bound
 * its probability. The draws depend on `key` alone. Draws of splitting noise are enumerated, so the result is exact.
 * Throws `UsageError` for a noise without a certificate and, under sound sampling, for an image off the grid of 1/255.
 *
 * @example
 * ```ts
 * import { classifier, certifyImage, keyOf, nodeRuntime, openDataset, openModel } from "rampart/node";
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
 * console.log(await certifyImage(smoothed, image, keyOf(0), { n0: 10, n: 100, alpha: 0.001 }));
 * ```
 */
export async function certify(
  smoothed: SmoothedClassifier,
  image: Float32Array,
  key: Key,
  { n0, n, alpha, target }: CertifyOptions,
): Promise<CertifiedImage> {
  checkDraws({ n0, n, alpha });
  const { network, shape, sampling } = smoothed;
  const certificate = certificateOf(smoothed.noise);
  if (target !== undefined) probabilityFor(smoothed.noise, target, shape);
  if (certificate.draws !== null)
    return certifyExactly(smoothed, image, { key, draws: certificate.draws });
  const parts = certificate.components.map((noise) => noisyImages(noise, shape, sampling));
  const choice = { image, noisy: anyOf(parts), key: fold(key, CHOICE), draws: n0 };
  const prediction = argmax(await count(network, pollOf(smoothed, choice)));
  const needed = target === undefined ? null : probabilityFor(smoothed.noise, target, shape);
  const share = alpha / parts.length;
  const components: Component[] = [];
  for (const [i, noise] of certificate.components.entries()) {
    const noisy = parts[i];
    const poll = pollOf(smoothed, { image, noisy, key: fold(fold(key, BOUND), i), draws: n });
    if (needed !== null) {
      const found = await sequentially(network, poll, { prediction, p: needed, alpha: share });
      components.push({ noise, n: found.n, counts: found.counts, pLower: found.pLower });
      continue;
    }
    const counts = await count(network, poll);
    const pLower = Math.max(0, lowerBound(counts[prediction], n, share) - noisy.error);
    components.push({ noise, n, counts, pLower });
  }
  const radius = certificate.radii(
    components.map(({ pLower }) => pLower),
    elementCount(shape),
  );
  const isCertified = Object.values(radius).some((r) => r > 0);
  return { prediction: isCertified ? prediction : null, components, radius };
}
