import type { Runtime } from "../engine/runtime/runtime.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { rows } from "../math/tensor.ts";
import { CHECKED_BATCHES, type ImportedNetwork } from "./imported-network.ts";
import { logitsOfBatches } from "./logits-of-batches.ts";

/** Differences up to this share of a batch's largest logit are rounding. */
const TOLERANCE = 1e-3;

/** Whether a network was rewritten to other batch sizes than the one that its file states. */
export const isBatchRewritten = ({ statedBatch, fixedBatch }: ImportedNetwork): boolean =>
  statedBatch !== null && fixedBatch === null;

/**
 * Checks the rewrite of a file to other batch sizes than the one that it states: the logits of `CHECKED_BATCHES` batches
 * at once must agree with those of each batch alone. Returns the network, fixed to the stated batch if they do not. A
 * file with an open batch needs no rewrite and is returned as it is.
 */
export async function verifyBatchRewrite(
  runtime: Runtime,
  network: ImportedNetwork,
): Promise<ImportedNetwork> {
  const { statedBatch, fixedBatch, inputShape } = network;
  if (statedBatch === null || fixedBatch !== null) return network;
  const keys = keysFor(
    keyOf(0),
    Array.from({ length: CHECKED_BATCHES * statedBatch }, (_, i) => i),
  );
  const x = uniform(keys, [keys.length, ...inputShape]);
  const [joined] = await logitsOfBatches(runtime, network, [x]);
  const batches = Array.from({ length: CHECKED_BATCHES }, (_, i) =>
    rows(x, i * statedBatch, (i + 1) * statedBatch),
  );
  const separate = await logitsOfBatches(runtime, network, batches);
  for (const [i, { data }] of separate.entries()) {
    const expected = rows(joined, i * statedBatch, (i + 1) * statedBatch);
    const size = Math.max(...data.map(Math.abs), 1e-6);
    if (!data.every((logit, j) => Math.abs(logit - expected.data[j]) <= TOLERANCE * size))
      return { ...network, fixedBatch: statedBatch };
  }
  return network;
}
