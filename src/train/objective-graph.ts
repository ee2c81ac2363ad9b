// The loss of a defence as a graph over a network in training.
import {
  type BatchLoss,
  type BatchShape,
  type LossInputs,
  type LossObjective,
  type NetworkPass,
  type Objective,
  replacesExamples,
} from "../defenses/objective.ts";
import { mean } from "../engine/graph/ops.ts";
import { isFloatExpression, type Value } from "../engine/graph/value.ts";
import { crossEntropy } from "../losses/ce.ts";
import { badPlugin, callPlugin, type PluginDefinition } from "../math/plugin.ts";
import { isShape, type Shape } from "../math/tensor.ts";
import type { Architecture } from "../models/architecture.ts";

/** How the loss of a batch is built, and which arrays it takes. */
export interface LossOfBatch {
  /** Shapes of the arrays that the loss takes, by the name of their input. */
  arrays(shape: BatchShape): Readonly<Record<string, Shape>>;
  /** The arrays that gradients are also taken by. */
  readonly inputGradients: readonly string[];
  /** The share of each label that is spread evenly over all classes; 0 by default. */
  readonly labelSmoothing?: number | undefined;
  build(inputs: LossInputs): BatchLoss;
}

/** The default loss: the mean cross-entropy of one pass on `x`. */
export const crossEntropyOfBatch: LossOfBatch = {
  arrays: ({ images }) => ({ x: images }),
  inputGradients: [],
  build({ network, arrays, oneHot }) {
    const logits = network(arrays.x);
    return { loss: mean(crossEntropy(logits, oneHot)), logits };
  },
};

/** The sizes of a training batch of `batch` examples. */
export const batchShape = ({ inputShape, classes }: Architecture, batch: number): BatchShape => ({
  batch,
  images: [batch, ...inputShape],
  classes,
});

/**
 * The loss of an objective in a phase of a run, or without one for all of them. Its `arrays` and `loss` throw `UsageError` with
 * the code `bad-plugin`, which names `defense`, if they return something else than they should.
 */
export function lossOfBatch(
  defense: PluginDefinition,
  objective: Objective | LossObjective,
  phase?: string,
): LossOfBatch {
  if (replacesExamples(objective)) return crossEntropyOfBatch;
  const { inputGradients = [] } = objective;
  return {
    inputGradients,
    arrays(shape) {
      if (objective.arrays === undefined) return crossEntropyOfBatch.arrays(shape);
      const shapes = callPlugin(defense, "arrays", () => objective.arrays?.(shape) ?? {});
      requireTable(defense, "arrays", shapes);
      for (const [name, size] of Object.entries(shapes))
        if (!isShape(size))
          throw badPlugin(
            defense,
            `returned ${JSON.stringify(size)} for ${name} from arrays, and must return a shape such as [${shape.images.join(", ")}]`,
          );
      const missing = inputGradients.find((name) => !Object.hasOwn(shapes, name));
      if (missing !== undefined)
        throw badPlugin(
          defense,
          `asks for the gradient by ${missing}, which is none of its arrays`,
        );
      return shapes;
    },
    build(inputs) {
      if (objective.loss === undefined) return crossEntropyOfBatch.build(inputs);
      const given = Object.assign({}, inputs, { phase });
      const built = callPlugin(defense, "loss", () => objective.loss?.(given));
      requireShape(defense, "a loss", built?.loss, []);
      requireShape(defense, "logits", built?.logits, inputs.oneHot.shape);
      return built as BatchLoss;
    },
  };
}

/** Throws `bad-plugin` unless `value` is an object of shapes by name. */
export function requireTable(defense: PluginDefinition, call: string, value: unknown): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw badPlugin(defense, `returned ${typeof value} from ${call}, and must return shapes by name`);
}

function requireShape(
  defense: PluginDefinition,
  what: string,
  value: Value | undefined,
  shape: Shape,
) {
  const returned: unknown = value?.shape;
  if (isFloatExpression(value, shape)) return;
  const given = Array.isArray(returned) ? `[${returned.join(", ")}]` : "none";
  throw badPlugin(
    defense,
    `must return ${what} of shape [${shape.join(", ")}] from loss, and returned ${given}`,
  );
}

/** The passes of one loss over a network, and the running statistics after them. */
export function networkPasses(
  architecture: Architecture,
  feeds: Readonly<Record<string, Value>>,
): { readonly network: NetworkPass; statistics(): Readonly<Record<string, Value>> } {
  let statistics: Readonly<Record<string, Value>> = {};
  let passes = 0;
  return {
    network(images, { updatesStatistics = passes === 0 } = {}) {
      passes++;
      const before = statistics;
      const pass = architecture.forward(images, (name) => before[name] ?? feeds[name], "batch");
      if (updatesStatistics) statistics = pass.statistics;
      return pass.logits;
    },
    statistics: () => statistics,
  };
}
