import { greater, max, mul, scalarLike, sub, sum, where } from "../engine/graph/ops.ts";
import { rowSize, type Tensor } from "../math/tensor.ts";
import { clipLogit, MAX_LOGIT } from "./logit-bounds.ts";
import {
  type Labels,
  type LossDefinition,
  type LossExpression,
  takeLabels,
} from "./loss-definition.ts";
import { oneHotLabels } from "./weights.ts";

/** max over j ≠ label of z_j, minus z_label, as data; one label per example. */
export interface Margin {
  readonly kind: "margin";
  readonly labels: Labels;
}

/**
 * max over j ≠ label of z_j, minus z_label, in logits: positive exactly for misclassified examples; one label per example.
 *
 * @example
 * ```ts
 * import { margin } from "rampart";
 *
 * console.log(margin([3, 0]));
 * ```
 */
export const margin = (labels: Labels): Margin => ({ kind: "margin", labels });

/** The margin as a graph: logits [batch, classes] and one-hot labels [batch, classes] → [batch]. */
export const marginGraph: LossExpression = (logits, oneHot) => {
  const lowest = scalarLike(logits, -3e38);
  const others = where(greater(oneHot, scalarLike(oneHot, 0.5)), lowest, logits);
  return sub(max(others, [1]), sum(mul(logits, oneHot), [1]));
};

/**
 * The margin of logits z [classes], rounded to float32; writes its slopes: 1 at the strongest rival and −1 at the label.
 */
export function marginRow(label: number, z: Float32Array, slopes: Float32Array): number {
  const rival = strongestRival(z, label);
  slopes[rival] += 1;
  slopes[label] -= 1;
  return Math.fround(z[rival] - z[label]);
}

/** The class with the highest logit other than the label's; of equal ones the first. */
function strongestRival(z: Float32Array, label: number): number {
  let best = label === 0 ? 1 : 0;
  for (let j = 0; j < z.length; j++) if (j !== label && z[j] > z[best]) best = j;
  return best;
}

/** max over j ≠ label of z_j, minus z_label. */
export const marginDefinition: LossDefinition<Margin> = {
  type: "loss",
  name: "margin",
  source: "textbook; the example is misclassified where it is positive",
  graphName: "margin",
  graph: marginGraph,
  weights: ({ labels }, classes) => oneHotLabels(labels, classes),
  plain: ({ labels }, i, z, slopes) => marginRow(labels[i], z, slopes),
  take: ({ labels }, indices) => margin(takeLabels(labels, indices)),
};

/**
 * The margins [batch] of logits [batch, classes], finite for all logits. Classes at −∞ are ignored. Where any logit is
 * NaN or the label's logit is −∞, the example is misclassified, with a margin of MAX_LOGIT.
 */
export function marginsOf(logits: Tensor, labels: Labels): Float32Array {
  const classes = rowSize(logits);
  return Float32Array.from(labels, (label, i) =>
    marginOf(logits.data.subarray(i * classes, (i + 1) * classes), label),
  );
}

function marginOf(z: Float32Array, label: number): number {
  let rival = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < z.length; j++) {
    if (Number.isNaN(z[j])) return MAX_LOGIT;
    if (j !== label) rival = Math.max(rival, z[j]);
  }
  if (z[label] === Number.NEGATIVE_INFINITY) return MAX_LOGIT;
  return clipLogit(rival) - clipLogit(z[label]);
}
