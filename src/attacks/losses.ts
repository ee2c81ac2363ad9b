import { rowSize, type Tensor, takeRows, tensor } from "../math/tensor.ts";
import type { Labels, Loss } from "./victim.ts";

/** Cross-entropy of the softmax: −log p_label. */
export const ce = (labels: Labels): Loss => ({ kind: "ce", labels });

/** max over j ≠ label of z_j, minus z_label: positive where the example is misclassified. */
export const margin = (labels: Labels): Loss => ({ kind: "margin", labels });

/** z_target − z_label. */
export const difference = (labels: Labels, targets: Labels): Loss => ({
  kind: "difference",
  labels,
  targets,
});

/** ⟨weights, z⟩, weights [batch, classes]: any vector–Jacobian product. */
export const linear = (weights: Tensor): Loss => ({ kind: "linear", weights });

/** The same loss on the examples at `indices`, in that order; an index may repeat. */
export function takeLoss(loss: Loss, indices: readonly number[]): Loss {
  const take = (labels: Labels) => indices.map((index) => labels[index]);
  if (loss.kind === "linear") return linear(takeRows(loss.weights, indices));
  if (loss.kind === "difference") return difference(take(loss.labels), take(loss.targets));
  return { kind: loss.kind, labels: take(loss.labels) };
}

/**
 * Losses [batch] and ∂(Σ losses)/∂logits [batch, classes], in plain arithmetic: for victims that are not graphs.
 * Among equal rivals of a margin the first one counts.
 */
export function lossOfLogits(
  loss: Loss,
  logits: Tensor,
): { losses: Float32Array; gradient: Tensor } {
  const classes = rowSize(logits);
  const losses = new Float32Array(logits.shape[0] ?? 0);
  const gradient = tensor(logits.shape);
  for (let i = 0; i < losses.length; i++) {
    const z = logits.data.subarray(i * classes, (i + 1) * classes);
    const g = gradient.data.subarray(i * classes, (i + 1) * classes);
    if (loss.kind === "linear") {
      g.set(loss.weights.data.subarray(i * classes, (i + 1) * classes));
      losses[i] = g.reduce((sum, weight, j) => sum + weight * z[j], 0);
    } else if (loss.kind === "ce") {
      const label = loss.labels[i];
      const highest = Math.max(...z);
      const total = z.reduce((sum, v) => sum + Math.exp(v - highest), 0);
      losses[i] = highest + Math.log(total) - z[label];
      for (let j = 0; j < classes; j++)
        g[j] = Math.exp(z[j] - highest) / total - Number(j === label);
    } else {
      const label = loss.labels[i];
      const target = loss.kind === "difference" ? loss.targets[i] : rivalOf(z, label);
      losses[i] = z[target] - z[label];
      g[target] += 1;
      g[label] -= 1;
    }
  }
  return { losses, gradient };
}

/** The class of the highest logit other than the label's. */
function rivalOf(z: Float32Array, label: number): number {
  let best = label === 0 ? 1 : 0;
  for (let j = 0; j < z.length; j++) if (j !== label && z[j] > z[best]) best = j;
  return best;
}
