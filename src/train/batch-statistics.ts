// Running statistics of batch norms for weights that no step has seen, such as averaged ones.
import { input } from "../engine/graph/ops.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";
import { dropoutMasks } from "../models/dropout.ts";
import type { PlainBatch } from "./batch-procedure.ts";

/**
 * The weights with running statistics of these clean batches, as `update_bn` of Izmailov et al. 2018 (arXiv:1803.05407, §3.2)
 * takes them; unchanged for a network without any. Older statistics fade by 0.9 with each batch.
 */
export async function withStatisticsOf(
  runtime: Runtime,
  architecture: Architecture,
  weights: Parameters,
  batches: readonly PlainBatch[],
): Promise<Parameters> {
  const [first] = batches;
  if (first === undefined) return weights;
  const inputs = new Map(
    architecture.parameters.map(({ name, shape }) => [name, input(name, shape)]),
  );
  const x = input("x", first.x.shape);
  const parameter = (name: string) => inputs.get(name) ?? x;
  const { statistics } = architecture.forward(x, parameter, "batch");
  if (Object.keys(statistics).length === 0) return weights;
  const program = await runtime.compile(statistics);
  try {
    let current = weights;
    for (const batch of batches) {
      const masks = dropoutMasks(architecture, batch.dropoutKeys);
      const updated = await program.run(Object.assign({ x: batch.x }, current, masks));
      const kept = Object.keys(statistics).map((name) => [name, updated[name]] as const);
      current = Object.assign({}, current, Object.fromEntries(kept) as Record<string, Tensor>);
    }
    return current;
  } finally {
    await program.release();
  }
}
