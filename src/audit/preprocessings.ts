// Looks for a usual preprocessing under which far more clean images are right than under the declared one.
import type { Victim } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { argmaxRows } from "../math/tensor.ts";

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

/** The best usual preprocessing: images that are correct under it, and under the declared one. */
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

/** Which images to compare on, and how to stop. */
export interface ComparisonOptions {
  /** The first so many test images. */
  readonly count: number;
  /** Channels of the images; a preprocessing with another number of channels is skipped. */
  readonly channels: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares the declared preprocessing, which is built into `network`, with the usual one under which most of the first
 * `count` clean images are correct. Null if the declared one leaves less than a tenth of them wrong. `open` opens the network with another preprocessing.
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
