import { greater, logSoftmax, max, mul, neg, scalarLike, sub, sum, where } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import { type Tensor, tensor } from "../math/tensor.ts";

/** One class index per example. */
type Labels = readonly number[];

/** What a loss compares, as data; structurally the `Loss` of an attack. */
export type LossData =
  | { readonly kind: "ce"; readonly labels: Labels }
  | { readonly kind: "margin"; readonly labels: Labels }
  | { readonly kind: "difference"; readonly labels: Labels; readonly targets: Labels }
  | { readonly kind: "linear"; readonly weights: Tensor };

export type LossKind = LossData["kind"];

/** −log softmax(z)_label, per example: logits [batch, classes] and one-hot labels → [batch]. */
export const crossEntropy = (logits: Value, oneHot: Value): Value =>
  neg(sum(mul(logSoftmax(logits), oneHot), [1]));

/** max over j ≠ label of z_j, minus z_label: positive exactly when the example is misclassified. */
const margin = (logits: Value, oneHot: Value): Value => {
  const lowest = scalarLike(logits, -1e30);
  const others = where(greater(oneHot, scalarLike(oneHot, 0.5)), lowest, logits);
  return sub(max(others, [1]), sum(mul(logits, oneHot), [1]));
};

/**
 * Each loss as a graph: logits [batch, classes] and one array `weights` of the same shape → losses
 * [batch]. For `difference` and `linear` both are ⟨weights, z⟩, so they share a program.
 */
export const lossGraphs = {
  ce: crossEntropy,
  margin,
  linear: (logits: Value, weights: Value) => sum(mul(logits, weights), [1]),
} as const;

/** The array [batch, classes] that a loss's graph takes beside the logits. */
export function lossWeights(loss: LossData, batch: number, classes: number): Tensor {
  if (loss.kind === "linear") return loss.weights;
  const weights = tensor([batch, classes]);
  loss.labels.forEach((label, i) => {
    weights.data[i * classes + label] = loss.kind === "difference" ? -1 : 1;
  });
  if (loss.kind === "difference")
    loss.targets.forEach((target, i) => {
      weights.data[i * classes + target] += 1;
    });
  return weights;
}

/** The graph that computes a loss. */
export const lossGraphOf = (kind: LossKind): keyof typeof lossGraphs =>
  kind === "difference" ? "linear" : kind;
