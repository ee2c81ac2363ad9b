import { constant } from "../engine/graph/ops.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Architecture, Parameters } from "./architecture.ts";
import type { Classifier } from "./classifier-interface.ts";
import { compiledClassifier } from "./compiled-classifier.ts";
import { compiledLoss } from "./compiled-loss.ts";
import { withFixedBatch } from "./fixed-batch.ts";
import { withForeignErrors } from "./foreign-errors.ts";

export type { Classifier };

/**
 * A network whose weights no longer change. The weights are constants of the graph, so frozen layers fold into them.
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
): Classifier {
  const network = compiledClassifier({
    runtime: withForeignErrors(runtime, architecture),
    architecture,
    mode: "frozen",
    parameter: (name) => constant(parameters[name]),
    parameterFeeds: () => ({}),
  });
  const { fixedBatch = null } = architecture;
  if (fixedBatch === null) return network;
  return withFixedBatch(fixedBatch, network, compiledLoss(runtime));
}
