import { UsageError } from "../math/usage-error.ts";
import type { ImageRange } from "./image-range.ts";
import { type EvaluateOptions, type ResolvedOptions, resolved } from "./options.ts";
import { type Run, runsOf } from "./runs.ts";

/** The number of batches of a deterministic model that are attacked together. */
const BATCHES_AT_ONCE = 4;

/**
 * Examples that are attacked at once. An example of a randomised model takes `eot` rows of a batch, so smaller groups give
 * rows sooner. Examples of a deterministic model leave once they break, so groups of several batches keep batches full.
 */
export function groupSize(
  { batch }: ResolvedOptions,
  randomised: boolean,
  runs: readonly Run[],
): number {
  if (runs.some(({ attack }) => attack?.epsilon != null && attack.takesAll === true))
    return Number.MAX_SAFE_INTEGER;
  if (!randomised) return BATCHES_AT_ONCE * batch;
  return Math.max(1, Math.floor(batch / Math.max(...runs.map(({ eot }) => eot))));
}

/** The group size of an evaluation with the attacks of the tables. */
export function groupSizeOf(options: EvaluateOptions, randomised: boolean): number {
  const all = resolved(options);
  return groupSize(all, randomised, runsOf(all, { randomised, customAttacks: undefined }));
}

/**
 * Cuts `count` images into ranges of `size` images, rounded up to whole groups. Images of one group share batches, so ranges of
 * whole groups give the same bits as one evaluation of all images. Throws `UsageError` for a size below 1.
 */
export function rangesOf(count: number, size: number, group: number): ImageRange[] {
  if (!(size >= 1))
    throw new UsageError(`a range of ${size} images is too small; use 1 or more`, {
      code: "bad-option",
    });
  const step = Math.ceil(size / group) * group;
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => ({
    from: i * step,
    to: Math.min(count, (i + 1) * step),
  }));
}
