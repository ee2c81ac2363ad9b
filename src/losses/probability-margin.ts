import { div, mul, softmax, sum } from "../engine/graph/ops.ts";
import {
  type Labels,
  type LossDefinition,
  type LossExpression,
  takeLabels,
} from "./loss-definition.ts";
import { marginGraph } from "./margin.ts";
import { oneHotLabels } from "./weights.ts";

/** max over j ≠ label of p_j, minus p_label, as data; one label and one scale per example. */
export interface ProbabilityMargin {
  readonly kind: "probability-margin";
  readonly labels: Labels;
  /** Logits are multiplied by these positive numbers before the softmax. */
  readonly scales: readonly number[];
}

/**
 * The margin of probabilities, max over j ≠ label of p_j minus p_label for p = softmax(scale · z) (arXiv:2411.15210, Eq. 6):
 * positive exactly for misclassified examples. Takes one label per example, and a scale that is 1 by default.
 *
 * @example
 * ```ts
 * import { probabilityMargin } from "rampart";
 *
 * console.log(probabilityMargin([3, 0]).kind);
 * ```
 */
export const probabilityMargin = (
  labels: Labels,
  scales: readonly number[] = labels.map(() => 1),
): ProbabilityMargin => ({ kind: "probability-margin", labels, scales });

/** The weights are the scale at the label, and 0 elsewhere. */
const probabilityMarginGraph: LossExpression = (logits, weights) => {
  const scales = sum(weights, [1], true);
  return marginGraph(softmax(mul(logits, scales)), div(weights, scales));
};

/** max over j ≠ label of p_j, minus p_label, for p = softmax(scale · z). */
export const probabilityMarginDefinition: LossDefinition<ProbabilityMargin> = {
  type: "loss",
  name: "probability-margin",
  source: "arXiv:2411.15210, Eq. 6",
  graphName: "probability-margin",
  graph: probabilityMarginGraph,
  weights({ labels, scales }, classes) {
    const weights = oneHotLabels(labels, classes);
    labels.forEach((label, i) => {
      weights.data[i * classes + label] = scales[i];
    });
    return weights;
  },
  plain({ labels, scales }, i, z, slopes) {
    const [label, scale] = [labels[i], Math.fround(scales[i])];
    const highest = Math.max(...z);
    const exponentials = Array.from(z, (v) => Math.exp(scale * (v - highest)));
    const total = exponentials.reduce((sum, v) => sum + v, 0);
    const p = exponentials.map((v) => v / total);
    const rival = p.reduce(
      (best, v, j) => (j !== label && (best < 0 || v > p[best]) ? j : best),
      -1,
    );
    const value = p[rival] - p[label];
    // ∂p_k/∂z_j = scale · p_k (1[j = k] − p_j).
    for (let j = 0; j < z.length; j++)
      slopes[j] =
        scale * (p[rival] * Number(j === rival) - p[label] * Number(j === label) - value * p[j]);
    return value;
  },
  take: ({ labels, scales }, indices) =>
    probabilityMargin(
      takeLabels(labels, indices),
      indices.map((index) => scales[index]),
    ),
};
