// Whether another usual preprocessing than the one that was declared makes far more clean images right.
import type { Victim } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { argmaxRows } from "../math/tensor.ts";

/** A preprocessing that many networks have. */
export interface UsualPreprocessing {
  /** As it is typed. */
  readonly name: string;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly scale?: number;
}

const ofChannels = (name: string, mean: readonly number[], std: readonly number[]) => ({
  name: `--mean ${mean.join()} --std ${std.join()} (${name})`,
  mean,
  std,
});

/** Those of torchvision, timm and the data sets' own statistics; a single number is for every channel. */
export const usualPreprocessings: readonly UsualPreprocessing[] = [
  { name: "no --mean, --std and --scale: pixels in [0, 1]" },
  { name: "--scale 255", scale: 255 },
  ofChannels("pixels in [−1, 1]", [0.5], [0.5]),
  ofChannels("ImageNet", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
  ofChannels("CIFAR-10", [0.4914, 0.4822, 0.4465], [0.2471, 0.2435, 0.2616]),
  ofChannels("MNIST", [0.1307], [0.3081]),
];

/** What was found: how many of the images are right as declared, and how many under the best of the usual ones. */
export interface BetterPreprocessing {
  readonly name: string;
  readonly examples: number;
  readonly right: number;
  readonly declared: number;
}

const rightOf = async (network: Victim, test: Split, all: readonly number[]): Promise<number> => {
  const classes = argmaxRows(await network.logits(test.images(all), keysFor(keyOf(0), all)));
  return all.filter((i) => classes[i] === test.labels[i]).length;
};

/** What a preprocessing must leave wrong for others to be tried. */
const ROOM = 0.1;

/**
 * The usual preprocessing under which most of the first `count` clean images are right; null where the declared one, in
 * `network`, leaves less than a tenth of them wrong. `open` gives the network with another preprocessing.
 */
export async function betterPreprocessing(
  network: Victim,
  open: (usual: Omit<UsualPreprocessing, "name">) => Promise<Victim & { release(): Promise<void> }>,
  test: Split,
  {
    count,
    channels,
    signal,
  }: {
    readonly count: number;
    readonly channels: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<BetterPreprocessing | null> {
  const all = Array.from({ length: Math.min(count, test.size) }, (_, i) => i);
  const declared = await rightOf(network, test, all);
  if (declared > (1 - ROOM) * all.length) return null;
  let best: BetterPreprocessing | null = null;
  for (const { name, ...usual } of usualPreprocessings) {
    signal?.throwIfAborted();
    if (![1, channels].includes(usual.mean?.length ?? 1)) continue;
    const copy = await open({ mean: [0], std: [1], scale: 1, ...usual });
    try {
      const right = await rightOf(copy, test, all);
      if (right > (best?.right ?? -1)) best = { name, examples: all.length, right, declared };
    } finally {
      await copy.release();
    }
  }
  return best;
}
