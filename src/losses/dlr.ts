import { sub } from "../engine/graph/ops.ts";
import { divideByLogits, highestLogits, ratioOfLogits } from "./logits-ratio.ts";
import {
  type Labels,
  type LossDefinition,
  type LossExpression,
  takeLabels,
} from "./loss-definition.ts";
import { marginGraph, marginRow } from "./margin.ts";
import { oneHotLabels } from "./weights.ts";

/** The difference of logits ratio, as data; one label per example. */
export interface Dlr {
  readonly kind: "dlr";
  readonly labels: Labels;
}

/**
 * The difference of logits ratio (Croce & Hein 2020, arXiv:2003.01690, Eq. 6): the margin over z_π1 − z_π3, where π
 * sorts the logits in descending order. Does not change when logits are scaled or shifted. The margin itself with fewer
 * than 3 classes. Dimensionless; takes one label per example.
 *
 * @example
 * ```ts
 * import { dlr } from "rampart";
 *
 * console.log(dlr([3, 0]));
 * ```
 */
export const dlr = (labels: Labels): Dlr => ({ kind: "dlr", labels });

const dlrGraph: LossExpression = (logits, oneHot) => {
  if (logits.shape[1] < 3) return marginGraph(logits, oneHot);
  const [first, , third] = highestLogits(logits, 3);
  return ratioOfLogits(marginGraph(logits, oneHot), sub(first, third), third);
};

/** The margin over z_π1 − z_π3 (Croce & Hein 2020, Eq. 6). */
export const dlrDefinition: LossDefinition<Dlr> = {
  type: "loss",
  name: "dlr",
  source: "Croce & Hein 2020, arXiv:2003.01690, Eq. 6",
  graphName: "dlr",
  graph: dlrGraph,
  weights: ({ labels }, classes) => oneHotLabels(labels, classes),
  plain: ({ labels }, i, z, slopes) =>
    divideByLogits(marginRow(labels[i], z, slopes), z, slopes, [1, 0, -1]),
  take: ({ labels }, indices) => dlr(takeLabels(labels, indices)),
};
