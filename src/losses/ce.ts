import { logSoftmax, mul, neg, sum } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { type Labels, type LossDefinition, takeLabels } from "./loss-definition.ts";
import { oneHotLabels } from "./weights.ts";

/** Cross-entropy of the softmax, −log softmax(z)_label, as data; one label per example. */
export interface CrossEntropy {
  readonly kind: "ce";
  readonly labels: Labels;
}

/**
 * Cross-entropy of the softmax, −log softmax(z)_label, in nats; one label per example.
 *
 * @example
 * ```ts
 * import { ce } from "rampart";
 *
 * console.log(ce([3, 0])); // the loss of two examples, for `victim.lossAndGradient(x, loss, keys)`
 * ```
 */
export const ce = (labels: Labels): CrossEntropy => ({ kind: "ce", labels });

/** −log softmax(z)_label per example: logits [batch, classes] and one-hot labels [batch, classes] → [batch]. */
export const crossEntropy = (logits: Value, oneHot: Value): Value =>
  neg(sum(mul(logSoftmax(logits), oneHot), [1]));

/** −log softmax(z)_label, in nats; stays finite where exp(z) would overflow. */
export const ceDefinition: LossDefinition<CrossEntropy> = {
  type: "loss",
  name: "ce",
  source: "textbook",
  graphName: "ce",
  graph: crossEntropy,
  weights: ({ labels }, classes) => oneHotLabels(labels, classes),
  plain({ labels }, i, z, slopes) {
    const label = labels[i];
    const highest = Math.max(...z);
    const total = z.reduce((sum, v) => sum + Math.exp(v - highest), 0);
    for (let j = 0; j < z.length; j++)
      slopes[j] = Math.exp(z[j] - highest) / total - Number(j === label);
    return highest + Math.log(total) - z[label];
  },
  take: ({ labels }, indices) => ce(takeLabels(labels, indices)),
};
