import { constant } from "../engine/graph/ops.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Architecture, Parameters } from "./architecture.ts";
import type { Classifier } from "./classifier-interface.ts";
import { compiledClassifier } from "./compiled-classifier.ts";
import { compiledLoss } from "./compiled-loss.ts";
import { withFixedBatch, withMaxRows } from "./fixed-batch.ts";
import { withForeignErrors } from "./foreign-errors.ts";
import { imagesAtOnce, MAX_PROGRAM_BYTES } from "./run-memory.ts";

export type { Classifier };

/** How much memory a frozen network may use. */
export interface ClassifierOptions {
  /** Bytes that the values of all programs of an imported network may take; 2 GiB by default. */
  readonly maxBytes?: number | undefined;
}

/**
 * A network whose weights no longer change. The weights are constants of the graph, so frozen layers fold into them. Calls
 * of an imported network with many large images are split, which bounds their memory.
 *
 * @example
 * ```ts
 * import { classifier, keyOf, keysFor, nodeRuntime, openDataset, openModel } from "rampart/node";
 *
 * const { architecture, parameters } = await openModel("runs/at");
 * const network = classifier(await nodeRuntime(), architecture, parameters);
 * const { test } = await openDataset("shapes");
 * const logits = await network.logits(test.images([0, 1]), keysFor(keyOf(0), [0, 1]));
 * console.log(logits.shape); // [2, 10]
 * await network.release();
 * ```
 */
export function classifier(
  runtime: Runtime,
  architecture: Architecture,
  parameters: Parameters,
  { maxBytes = MAX_PROGRAM_BYTES }: ClassifierOptions = {},
): Classifier {
  const { fixedBatch = null, foreign = false } = architecture;
  const network = compiledClassifier({
    runtime: withForeignErrors(runtime, architecture),
    architecture,
    mode: "frozen",
    parameter: (name) => constant(parameters[name]),
    parameterFeeds: () => ({}),
    maxBytes: foreign ? maxBytes : Number.POSITIVE_INFINITY,
  });
  if (fixedBatch !== null) return withFixedBatch(fixedBatch, network, compiledLoss(runtime));
  if (!foreign) return network;
  const size = () => imagesAtOnce(architecture, maxBytes);
  return withMaxRows(size, network, compiledLoss(runtime));
}
