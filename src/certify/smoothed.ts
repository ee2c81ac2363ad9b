// A classifier under noise, and the parts of its draws.
import type { OnNote } from "../math/note.ts";
import type { Key } from "../math/random.ts";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { type ExactRadius, enumeratedImages, exactRadius } from "./enumerated.ts";
import type { Sampling } from "./noisy-images.ts";
import { type BaseClassifier, count, type Poll } from "./votes.ts";

/** A classifier under noise: the class that the base classifier answers most often. */
export interface SmoothedClassifier {
  readonly network: BaseClassifier;
  /** [channel, height, width]. */
  readonly shape: Shape;
  readonly classes: number;
  /** `normal:0.25`. */
  readonly noise: string;
  readonly sampling: Sampling;
  /** Images per call of the network, always this many. */
  readonly batch: number;
  readonly signal?: AbortSignal | undefined;
  readonly note?: OnNote | undefined;
}

/** Throws `UsageError` unless 0 < α < 1, n is at least 2 and n0 at least 1. */
export function checkDraws({
  n0 = 1,
  n,
  alpha,
}: {
  readonly n0?: number;
  readonly n: number;
  readonly alpha: number;
}): void {
  if (!(alpha > 0 && alpha < 1))
    throw new UsageError(`alpha must be between 0 and 1, got ${alpha}; 0.001 is usual`, {
      code: "bad-option",
    });
  if (!(Number.isInteger(n) && n >= 2))
    throw new UsageError(`n must be an integer of at least 2, got ${n}; 100000 is usual`, {
      code: "bad-option",
    });
  if (!(Number.isInteger(n0) && n0 >= 1))
    throw new UsageError(`n0 must be a positive integer, got ${n0}; 100 is usual`, {
      code: "bad-option",
    });
}

/** The inputs of the draws of one component. */
export function pollOf(
  { batch, classes, signal, note }: SmoothedClassifier,
  { image, noisy, key, draws }: Pick<Poll, "image" | "noisy" | "key" | "draws">,
): Poll {
  return { image, noisy, key, draws, batch, classes, signal, note };
}

/** Throws `UsageError` if a noise with enumerated draws is used with naive sampling. */
export function requireSound(noise: string, sampling: Sampling): void {
  if (sampling === "sound") return;
  throw new UsageError(
    `the draws of ${noise} are counted on 8-bit images, got naive sampling; leave out --sampling naive, or use uniform:0.2`,
    { code: "misfit" },
  );
}

/** Votes over all draws of a noise with finitely many draws. */
export async function allVotes(
  smoothed: SmoothedClassifier,
  image: Float32Array,
  { key, draws }: { readonly key: Key; readonly draws: number },
): Promise<ExactRadius & { readonly counts: readonly number[] }> {
  requireSound(smoothed.noise, smoothed.sampling);
  const noisy = enumeratedImages(smoothed.shape, draws);
  const counts = await count(smoothed.network, pollOf(smoothed, { image, noisy, key, draws }));
  const { prediction, l1 } = exactRadius(counts, draws);
  return { counts, prediction, l1 };
}
