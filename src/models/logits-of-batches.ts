import { input } from "../engine/graph/ops.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";
import { withForeignErrors } from "./foreign-errors.ts";

/**
 * The logits [batch, classes] of each of some batches x [batch, ...pixels] of equal size, from one program. For imported
 * networks.
 */
export async function logitsOfBatches(
  runtime: Runtime,
  architecture: Architecture,
  batches: readonly Tensor[],
): Promise<Tensor[]> {
  const [{ shape }] = batches;
  // An imported network has no parameters: its weights are constants of the graph.
  const { logits } = architecture.forward(input("x", shape), () => input("", []), "frozen");
  const program = await withForeignErrors(runtime, architecture).compile({ logits });
  try {
    const results: Tensor[] = [];
    for (const x of batches) results.push((await program.run({ x })).logits as Tensor);
    return results;
  } finally {
    await program.release();
  }
}
