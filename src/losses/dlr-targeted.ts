import { add, mul, scalarLike, sub } from "../engine/graph/ops.ts";
import { differenceRow } from "./difference.ts";
import { linearGraph } from "./linear.ts";
import { divideByLogits, highestLogits, ratioOfLogits } from "./logits-ratio.ts";
import {
  type Labels,
  type LossDefinition,
  type LossExpression,
  takeLabels,
} from "./loss-definition.ts";
import { targetMinusLabel } from "./weights.ts";

/** The targeted difference of logits ratio, as data; one label and one target per example. */
export interface DlrTargeted {
  readonly kind: "dlr-targeted";
  readonly labels: Labels;
  readonly targets: Labels;
}

/**
 * The targeted difference of logits ratio (Croce & Hein 2020, arXiv:2003.01690, Eq. 7): z_target − z_label over z_π1 −
 * (z_π3 + z_π4)/2, where π sorts the logits in descending order. The difference itself with fewer than 4 classes. Dimensionless; takes one
 * label and one target per example.
 *
 * @example
 * ```ts
 * import { dlrTargeted } from "rampart";
 *
 * console.log(dlrTargeted([3], [5]));
 * ```
 */
export const dlrTargeted = (labels: Labels, targets: Labels): DlrTargeted => ({
  kind: "dlr-targeted",
  labels,
  targets,
});

/** The weights are 1 at the target and −1 at the label. */
const dlrTargetedGraph: LossExpression = (logits, weights) => {
  if (logits.shape[1] < 4) return linearGraph(logits, weights);
  const [first, , third, fourth] = highestLogits(logits, 4);
  const half = scalarLike(logits, 0.5);
  const denominator = sub(first, mul(half, add(third, fourth)));
  return ratioOfLogits(linearGraph(logits, weights), denominator, fourth);
};

/** z_target − z_label over z_π1 − (z_π3 + z_π4)/2 (Croce & Hein 2020, Eq. 7). */
export const dlrTargetedDefinition: LossDefinition<DlrTargeted> = {
  type: "loss",
  name: "dlr-targeted",
  source: "Croce & Hein 2020, arXiv:2003.01690, Eq. 7",
  graphName: "dlr-targeted",
  graph: dlrTargetedGraph,
  weights: ({ labels, targets }, classes) => targetMinusLabel(labels, targets, classes),
  plain({ labels, targets }, i, z, slopes) {
    const difference = differenceRow(labels[i], targets[i], z, slopes);
    return divideByLogits(difference, z, slopes, [1, 0, -0.5, -0.5]);
  },
  take: ({ labels, targets }, indices) =>
    dlrTargeted(takeLabels(labels, indices), takeLabels(targets, indices)),
};
