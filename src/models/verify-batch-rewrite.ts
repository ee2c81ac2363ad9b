import { input } from "../engine/graph/ops.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { rows, type Tensor } from "../math/tensor.ts";
import { withForeignErrors } from "./foreign-errors.ts";
import { CHECKED_BATCHES, type ImportedNetwork } from "./imported-network.ts";

/**
 * Checks the rewrite of a file to other batch sizes than the one that it states: the logits of `CHECKED_BATCHES` batches at once
 * must agree with those of each batch alone. Returns the network, fixed to the stated batch if they do not. A file
 * with an open batch needs no rewrite and is returned as it is.
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
  /** The logits of each of some batches of equal size, from one program. */
  async function logitsOf(...batches: readonly Tensor[]): Promise<Tensor[]> {
    const [{ shape }] = batches;
    const { logits } = network.forward(input("x", shape), () => input("", []), "frozen");
    const program = await withForeignErrors(runtime, network).compile({ logits });
    try {
      const results: Tensor[] = [];
      for (const batch of batches) results.push((await program.run({ x: batch })).logits as Tensor);
      return results;
    } finally {
      await program.release();
    }
  }
  const [joined] = await logitsOf(x);
  const parts = await logitsOf(
    ...Array.from({ length: CHECKED_BATCHES }, (_, i) =>
      rows(x, i * statedBatch, (i + 1) * statedBatch),
    ),
  );
  for (const [i, part] of parts.entries()) {
    const expected = rows(joined, i * statedBatch, (i + 1) * statedBatch);
    const size = Math.max(...part.data.map(Math.abs), 1e-6);
    if (!part.data.every((v, j) => Math.abs(v - expected.data[j]) <= 1e-3 * size))
      return { ...network, fixedBatch: statedBatch };
  }
  return network;
}
