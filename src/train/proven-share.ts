// The share of images for which the bounds of a defence prove the label.
import type { Split } from "../data/dataset.ts";
import type { LossObjective } from "../defenses/objective.ts";
import { input } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { lossWeights } from "../losses/graph.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";

/** Images per run. */
const BATCH = 128;

/** `provenMargin` of a network with these weights: [batch], for `batch` images `x` and one-hot `labels`. */
function marginGraph(
  { inputShape, classes, parameters, forward }: Architecture,
  provenMargin: NonNullable<LossObjective["provenMargin"]>,
  batch: number,
): Value {
  const weights = new Map(parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const x = input("x", [batch, ...inputShape]);
  return provenMargin({
    network: (images) => forward(images, (name) => weights.get(name) ?? x, "frozen").logits,
    arrays: { x },
    oneHot: input("labels", [batch, classes]),
  });
}

/** The share of the images of `split` whose margin is proven to be above 0, in float32: a measure, and no proof. */
export async function provenShare(
  runtime: Runtime,
  architecture: Architecture,
  provenMargin: NonNullable<LossObjective["provenMargin"]>,
  weights: Parameters,
  split: Split,
): Promise<number> {
  const batch = architecture.fixedBatch ?? Math.min(BATCH, split.size);
  const margin = marginGraph(architecture, provenMargin, batch);
  const program = await runtime.compile({ margin });
  try {
    let proven = 0;
    for (let from = 0; from < split.size; from += batch) {
      // The last batch is filled up with its last image, which counts once.
      const indices = Array.from({ length: batch }, (_, i) => Math.min(from + i, split.size - 1));
      const labels = indices.map((index) => split.labels[index]);
      const feeds = {
        x: split.images(indices),
        labels: lossWeights({ kind: "ce", labels }, architecture.classes),
      };
      const { margin: margins } = await program.run(Object.assign(feeds, weights));
      const count = Math.min(batch, split.size - from);
      for (let i = 0; i < count; i++) if (Number(margins.data[i]) > 0) proven++;
    }
    return proven / split.size;
  } finally {
    await program.release();
  }
}
