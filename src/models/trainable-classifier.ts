import { input } from "../engine/graph/ops.ts";
import type { Feeds, Runtime } from "../engine/runtime/runtime.ts";
import type { Architecture, Mode, Parameters } from "./architecture.ts";
import { classifier } from "./classifier.ts";
import type { Classifier } from "./classifier-interface.ts";
import { compiledClassifier } from "./compiled-classifier.ts";

/**
 * A network in training. `current` returns its weights, as a new object whenever they have changed. Batch mode uses the
 * batch's own statistics and dropout masks drawn from the keys, so an image's logits depend on its batch.
 *
 * @example
 * ```ts
 * import {
 *   architecture, initialParameters, keyOf, keysFor, nodeRuntime, tensor, trainableClassifier,
 * } from "rampart/node";
 *
 * const input = { shape: [1, 8, 8], classes: 2, mean: [0.5], std: [0.25] };
 * const mlp = architecture("mlp-small", input);
 * const weights = initialParameters(mlp);
 * const network = trainableClassifier(await nodeRuntime(), mlp, () => weights, "batch");
 * const logits = await network.logits(tensor([1, 1, 8, 8]), keysFor(keyOf(0), [0]));
 * console.log(logits.shape); // [1, 2]
 * await network.release();
 * ```
 */
export function trainableClassifier(
  runtime: Runtime,
  architecture: Architecture,
  current: () => Feeds,
  mode: Mode,
): Classifier {
  // Weights that live on the device are fed from there. On the host, constants are copied once and inputs at every run.
  const { target, deviceMemory } = runtime;
  if (mode === "frozen" && target.lowering === "plain" && deviceMemory === undefined)
    return recompiledClassifier(runtime, architecture, current as () => Parameters);
  const shapes = new Map(architecture.parameters.map(({ name, shape }) => [name, shape]));
  return compiledClassifier({
    runtime,
    architecture,
    mode,
    parameter: (name) => input(name, shapes.get(name) ?? []),
    parameterFeeds: current,
  });
}

/**
 * Compiles a new program for each set of weights. An attack takes about ten gradients between two sets; constant weights
 * make each gradient almost twice as fast, and a compilation costs a fraction of one. A blocked lowering prepares weights
 * once per set by itself and needs no new program.
 */
function recompiledClassifier(
  runtime: Runtime,
  architecture: Architecture,
  current: () => Parameters,
): Classifier {
  let snapshot: { readonly parameters: Parameters; readonly network: Classifier } | null = null;
  async function currentNetwork(): Promise<Classifier> {
    const parameters = current();
    if (snapshot?.parameters === parameters) return snapshot.network;
    const before = snapshot;
    const network = classifier(runtime, architecture, parameters);
    snapshot = { parameters, network };
    await before?.network.release();
    return network;
  }
  return {
    architecture,
    logits: async (x, keys, hints) => (await currentNetwork()).logits(x, keys, hints),
    lossAndGradient: async (x, loss, keys, hints) =>
      (await currentNetwork()).lossAndGradient(x, loss, keys, hints),
    async release() {
      await snapshot?.network.release();
      snapshot = null;
    },
  };
}
