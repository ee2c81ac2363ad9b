// Looks for a common preprocessing with which far more clean images are classified correctly than with the declared one.
import type { Victim } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { argmaxRows, rowSize, type Tensor } from "../math/tensor.ts";

/** A preprocessing that many networks use. */
export interface UsualPreprocessing {
  /** The flags that declare it. */
  readonly name: string;
  /** Per channel, or one number for all. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly scale?: number;
}

const normalization = (name: string, mean: readonly number[], std: readonly number[]) => ({
  name: `--mean ${mean.join()} --std ${std.join()} (${name})`,
  mean,
  std,
});

/** The defaults of torchvision and timm, and the statistics of CIFAR-10 and MNIST. */
export const usualPreprocessings: readonly UsualPreprocessing[] = [
  { name: "no --mean, --std and --scale: pixels in [0, 1]" },
  { name: "--scale 255", scale: 255 },
  normalization("pixels in [−1, 1]", [0.5], [0.5]),
  normalization("ImageNet", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
  normalization("CIFAR-10", [0.4914, 0.4822, 0.4465], [0.2471, 0.2435, 0.2616]),
  normalization("MNIST", [0.1307], [0.3081]),
];

/** The best common preprocessing, with the number of correct images for it and for the declared one. */
export interface PreprocessingComparison {
  readonly name: string;
  readonly examples: number;
  readonly correct: number;
  readonly correctAsDeclared: number;
}

const countCorrect = async (
  network: Victim,
  test: Split,
  indices: readonly number[],
): Promise<number> => {
  const keys = keysFor(keyOf(0), indices);
  const predictions = argmaxRows(await network.logits(test.images(indices), keys));
  return indices.filter((i) => predictions[i] === test.labels[i]).length;
};

/** Others are tried only if the declared preprocessing leaves at least this share of the images wrong. */
const MIN_WRONG = 0.1;

/** The images of a comparison, and how to stop it. */
export interface ComparisonOptions {
  /** Number of test images, from the first one on. */
  readonly count: number;
  /** Channels of the images; a preprocessing with another number of channels is skipped. */
  readonly channels: number;
  readonly signal?: AbortSignal | undefined;
}

/** A comparison of the declared preprocessing, which is part of `network`, with others, which are passed to `open`. */
export type Compare<T> = (
  network: Victim,
  open: (usual: Omit<UsualPreprocessing, "name">) => Promise<Victim & { release(): Promise<void> }>,
  test: Split,
  options: ComparisonOptions,
) => Promise<T | null>;

/**
 * Compares the declared preprocessing, which is part of `network`, with the common preprocessing that classifies most of the
 * first `count` clean images correctly. Null if less than a tenth of them are wrong with the declared one. `open` opens the
 * network with another preprocessing.
 */
export async function comparePreprocessings(
  network: Victim,
  open: (usual: Omit<UsualPreprocessing, "name">) => Promise<Victim & { release(): Promise<void> }>,
  test: Split,
  { count, channels, signal }: ComparisonOptions,
): Promise<PreprocessingComparison | null> {
  const indices = Array.from({ length: Math.min(count, test.size) }, (_, i) => i);
  const correctAsDeclared = await countCorrect(network, test, indices);
  if (correctAsDeclared > (1 - MIN_WRONG) * indices.length) return null;
  let best: PreprocessingComparison | null = null;
  for (const { name, ...usual } of usualPreprocessings) {
    signal?.throwIfAborted();
    if (![1, channels].includes(usual.mean?.length ?? 1)) continue;
    const copy = await open({ mean: [0], std: [1], scale: 1, ...usual });
    try {
      const correct = await countCorrect(copy, test, indices);
      if (correct > (best?.correct ?? -1))
        best = { name, examples: indices.length, correct, correctAsDeclared };
    } finally {
      await copy.release();
    }
  }
  return best;
}

/** Logits that are too far apart for cross-entropy, and a common preprocessing with which they are not. */
export interface SaturationComparison {
  readonly examples: number;
  /** Images whose highest logit is so far above the others that cross-entropy in float32 has no gradient. */
  readonly saturated: number;
  /** Median distance of the two highest logits. */
  readonly medianMargin: number;
  /** A common preprocessing with about as many correct images and few saturated ones; null if there is none. */
  readonly calmer: {
    readonly name: string;
    readonly correct: number;
    readonly saturated: number;
  } | null;
  readonly correctAsDeclared: number;
}

/** A distance of the two highest logits from which on 1 − p is below half the distance of 1 to its neighbours in float32. */
const SATURATED = Math.log(2 ** 24);
/**
 * Nearly all images; few images; a median margin that trained networks do not have; a share of right answers that counts as the
 * same. Of 64 test images the median margin is between 0.2 and 12 on 25 networks for CIFAR-10, MNIST and shapes: 18 trained
 * with Rampart, and 7 from other sources. On two of these with pixels scaled by 255 it is 165 and 3455.
 */
const [NEARLY_ALL, FEW, HUGE_MARGIN, AS_GOOD] = [0.9, 0.2, 50, 0.9];

/** The distance of the two highest logits in each row of [n, class]. */
function marginsOf(logits: Tensor): number[] {
  const row = rowSize(logits);
  return Array.from({ length: logits.shape[0] }, (_, i) => {
    const [first, second] = logits.data.slice(i * row, (i + 1) * row).sort((a, b) => b - a);
    return first - second;
  });
}

/** The accuracy and the margins of a network on the first images. */
async function measured(network: Victim, test: Split, indices: readonly number[]) {
  const logits = await network.logits(test.images(indices), keysFor(keyOf(0), indices));
  const predictions = argmaxRows(logits);
  const margins = marginsOf(logits).sort((a, b) => a - b);
  return {
    correct: indices.filter((i) => predictions[i] === test.labels[i]).length,
    saturated: margins.filter((margin) => margin > SATURATED).length,
    medianMargin: margins[Math.floor(margins.length / 2)],
  };
}

/**
 * Looks for a common preprocessing that explains why logits are far apart on nearly all of the first `count` images; null if
 * they are not. A wrong scale multiplies logits, which weakens attacks that maximise cross-entropy.
 */
export async function compareSaturation(
  network: Victim,
  open: (usual: Omit<UsualPreprocessing, "name">) => Promise<Victim & { release(): Promise<void> }>,
  test: Split,
  { count, channels, signal }: ComparisonOptions,
): Promise<SaturationComparison | null> {
  const indices = Array.from({ length: Math.min(count, test.size) }, (_, i) => i);
  const examples = indices.length;
  const declared = await measured(network, test, indices);
  const isSane = declared.saturated < NEARLY_ALL * examples;
  if (isSane || !(declared.medianMargin >= HUGE_MARGIN)) return null;
  let calmer: SaturationComparison["calmer"] = null;
  for (const { name, ...usual } of usualPreprocessings) {
    signal?.throwIfAborted();
    if (![1, channels].includes(usual.mean?.length ?? 1)) continue;
    const copy = await open({ mean: [0], std: [1], scale: 1, ...usual });
    try {
      const { correct, saturated } = await measured(copy, test, indices);
      const isCalm = saturated <= FEW * examples && correct >= AS_GOOD * declared.correct;
      if (isCalm && correct > (calmer?.correct ?? -1)) calmer = { name, correct, saturated };
    } finally {
      await copy.release();
    }
  }
  const { correct: correctAsDeclared, saturated, medianMargin } = declared;
  return { examples, saturated, medianMargin, calmer, correctAsDeclared };
}
