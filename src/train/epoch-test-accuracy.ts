import { withNext } from "../attacks/prefetch.ts";
import type { Victim } from "../attacks/victim.ts";
import type { Dataset } from "../data/dataset.ts";
import { withNoise } from "../defenses/with-noise.ts";
import type { Key } from "../math/random.ts";
import { argmaxRows } from "../math/tensor.ts";
import type { Noise } from "../noise/noise.ts";

/** The maximum number of test images in the check after each epoch. */
const MAX_EXAMPLES = 1000;

/** Images per run. Divides MAX_EXAMPLES, so that one compiled program suffices. */
const BATCH = 125;

/** The indices of at most MAX_EXAMPLES examples, evenly spaced because a split may be sorted by class. */
export const monitoredIndices = (size: number): number[] => {
  const count = Math.min(MAX_EXAMPLES, size);
  return Array.from({ length: count }, (_, i) => Math.floor((i * size) / count));
};

/**
 * The share of clean test images that are classified correctly, each with one draw of the defence's noise from its key.
 */
export async function epochTestAccuracy(
  victim: Victim,
  { test, shape }: Dataset,
  noise: Noise | null,
  keysOf: (indices: readonly number[]) => readonly Key[],
): Promise<{ readonly accuracy: number; readonly examples: number }> {
  const model = noise === null ? victim : withNoise(victim, noise);
  const indices = monitoredIndices(test.size);
  const batches = Array.from({ length: Math.ceil(indices.length / BATCH) }, (_, i) => {
    const part = indices.slice(i * BATCH, (i + 1) * BATCH);
    return { part, keys: keysOf(part) };
  });
  let correct = 0;
  for (const { batch, hints } of withNext(batches, [BATCH, ...shape])) {
    const { part, keys } = batch;
    const predicted = argmaxRows(await model.logits(test.images(part), keys, hints));
    correct += part.filter((index, i) => predicted[i] === test.labels[index]).length;
  }
  return { accuracy: correct / Math.max(indices.length, 1), examples: indices.length };
}
