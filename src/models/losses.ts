import {
  greater,
  logSoftmax,
  max,
  mean,
  mul,
  neg,
  reshape,
  scalarLike,
  sub,
  sum,
  where,
} from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import { type Tensor, tensor } from "../math/tensor.ts";

/** One class index per example. */
type Labels = readonly number[];

/** What a loss compares, as data; structurally the `Loss` of an attack. */
export type LossData =
  | { readonly kind: "ce"; readonly labels: Labels }
  | { readonly kind: "margin"; readonly labels: Labels }
  | { readonly kind: "difference"; readonly labels: Labels; readonly targets: Labels }
  | { readonly kind: "linear"; readonly weights: Tensor }
  | { readonly kind: "of-mean"; readonly draws: number; readonly loss: RowLossData };

/** A loss that each row has for itself. */
type RowLossData = Exclude<LossData, { readonly kind: "of-mean" }>;

/** −log softmax(z)_label, per example: logits [batch, classes] and one-hot labels → [batch]. */
export const crossEntropy = (logits: Value, oneHot: Value): Value =>
  neg(sum(mul(logSoftmax(logits), oneHot), [1]));

/** max over j ≠ label of z_j, minus z_label: positive exactly when the example is misclassified. */
const margin = (logits: Value, oneHot: Value): Value => {
  const lowest = scalarLike(logits, -1e30);
  const others = where(greater(oneHot, scalarLike(oneHot, 0.5)), lowest, logits);
  return sub(max(others, [1]), sum(mul(logits, oneHot), [1]));
};

type LossGraph = (logits: Value, weights: Value) => Value;

/** ⟨weights, z⟩; `difference` is one of these, so the two share a program. */
const linear: LossGraph = (logits, weights) => sum(mul(logits, weights), [1]);

const rowLosses: { readonly [K in RowLossData["kind"]]: readonly [name: string, LossGraph] } = {
  ce: ["ce", crossEntropy],
  margin: ["margin", margin],
  linear: ["linear", linear],
  difference: ["linear", linear],
};

/**
 * A loss as a graph: logits [batch, classes] and one array `weights` [examples, classes] → losses [examples], where
 * an example is a run of `draws` rows. Losses of the same name are the same graph.
 */
export function lossGraph(loss: LossData): {
  readonly name: string;
  readonly draws: number;
  readonly losses: LossGraph;
} {
  if (loss.kind !== "of-mean") {
    const [name, losses] = rowLosses[loss.kind];
    return { name, draws: 1, losses };
  }
  const [name, losses] = rowLosses[loss.loss.kind];
  const { draws } = loss;
  return {
    ...{ name: `${name} of the mean of ${draws}`, draws },
    losses(logits, weights) {
      const [batch, classes] = logits.shape;
      const grouped = reshape(logits, [batch / draws, draws, classes]);
      return losses(mean(grouped, [1]), weights);
    },
  };
}

/** The array [examples, classes] that a loss's graph takes beside the logits. */
export function lossWeights(loss: LossData, classes: number): Tensor {
  if (loss.kind === "of-mean") return lossWeights(loss.loss, classes);
  if (loss.kind === "linear") return loss.weights;
  const weights = tensor([loss.labels.length, classes]);
  loss.labels.forEach((label, i) => {
    weights.data[i * classes + label] = loss.kind === "difference" ? -1 : 1;
  });
  if (loss.kind === "difference")
    loss.targets.forEach((target, i) => {
      weights.data[i * classes + target] += 1;
    });
  return weights;
}
