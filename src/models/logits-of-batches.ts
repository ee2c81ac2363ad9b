import { input } from "../engine/graph/ops.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Architecture, Parameters } from "./architecture.ts";
import { withForeignErrors } from "./foreign-errors.ts";

/**
 * The logits [batch, classes] of each of some batches x [batch, ...pixels] of equal size, from one program.
 * Imported networks have no parameters.
 */
export async function logitsOfBatches(
  runtime: Runtime,
  architecture: Architecture,
  batches: readonly Tensor[],
  parameters: Parameters = {},
): Promise<Tensor[]> {
  const [{ shape }] = batches;
  const parameter = (name: string) => input(name, parameters[name]?.shape ?? []);
  const { logits } = architecture.forward(input("x", shape), parameter, "frozen");
  const program = await withForeignErrors(runtime, architecture).compile({ logits });
  try {
    const results: Tensor[] = [];
    for (const x of batches)
      results.push((await program.run(Object.assign({ x }, parameters))).logits as Tensor);
    return results;
  } finally {
    await program.release();
  }
}
