import { input } from "../engine/graph/ops.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { rows, type Tensor } from "../math/tensor.ts";
import { withForeignErrors } from "./foreign-errors.ts";
import { CHECKED, type ImportedNetwork } from "./imported-network.ts";

/**
 * The network, kept to the batch that its file states if rewriting it to another changes what it computes. A file whose
 * batch is open is as it was.
 */
export async function verifyBatchRewrite(
  runtime: Runtime,
  network: ImportedNetwork,
): Promise<ImportedNetwork> {
  const { statedBatch, fixedBatch, inputShape } = network;
  if (statedBatch === null || fixedBatch !== null) return network;
  const keys = keysFor(
    keyOf(0),
    Array.from({ length: CHECKED * statedBatch }, (_, i) => i),
  );
  const x = uniform(keys, [keys.length, ...inputShape]);
  /** The logits of batches of one size, by one program. */
  async function run(...batches: readonly Tensor[]): Promise<Tensor[]> {
    const [{ shape }] = batches;
    const { logits } = network.forward(input("x", shape), () => input("", []), "frozen");
    const program = await withForeignErrors(runtime, network).compile({ logits });
    try {
      const all: Tensor[] = [];
      for (const one of batches) all.push((await program.run({ x: one })).logits as Tensor);
      return all;
    } finally {
      await program.release();
    }
  }
  const [whole] = await run(x);
  const parts = await run(
    ...Array.from({ length: CHECKED }, (_, i) => rows(x, i * statedBatch, (i + 1) * statedBatch)),
  );
  for (const [i, part] of parts.entries()) {
    const same = rows(whole, i * statedBatch, (i + 1) * statedBatch);
    const size = Math.max(...part.data.map(Math.abs), 1e-6);
    if (!part.data.every((v, j) => Math.abs(v - same.data[j]) <= 1e-3 * size))
      return { ...network, fixedBatch: statedBatch };
  }
  return network;
}
