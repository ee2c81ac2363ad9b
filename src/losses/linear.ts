import { mul, sum } from "../engine/graph/ops.ts";
import { type Tensor, takeRows } from "../math/tensor.ts";
import type { LossDefinition, LossExpression } from "./loss-definition.ts";

/** ⟨weights, z⟩ with weights [batch, classes], as data. */
export interface Linear {
  readonly kind: "linear";
  readonly weights: Tensor;
}

/**
 * ⟨weights, z⟩ with weights [batch, classes]; its gradient by x is any vector–Jacobian product of the network.
 *
 * @example
 * ```ts
 * import { linear, tensor } from "rampart";
 *
 * console.log(linear(tensor([1, 3], [0, 1, -1]))); // z_1 − z_2
 * ```
 */
export const linear = (weights: Tensor): Linear => ({ kind: "linear", weights });

/** ⟨weights, z⟩ as a graph: logits and weights [batch, classes] → [batch]. */
export const linearGraph: LossExpression = (logits, weights) => sum(mul(logits, weights), [1]);

/** The loss ⟨weights, z⟩, in closed form. */
export const linearDefinition: LossDefinition<Linear> = {
  type: "loss",
  name: "linear",
  source: "closed form; any vector–Jacobian product of the network",
  graphName: "linear",
  graph: linearGraph,
  weights: ({ weights }) => weights,
  plain({ weights }, i, z, slopes) {
    slopes.set(weights.data.subarray(i * z.length, (i + 1) * z.length));
    return slopes.reduce((sum, weight, j) => sum + weight * z[j], 0);
  },
  take: ({ weights }, indices) => linear(takeRows(weights, indices)),
};
