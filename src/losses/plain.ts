import { rowSize, type Tensor, takeRows, tensor } from "../math/tensor.ts";
import type { Labels, LossData as Loss } from "./graph.ts";

/** Cross-entropy of the softmax: −log p_label. */
export const ce = (labels: Labels): PerRow => ({ kind: "ce", labels });

/** max over j ≠ label of z_j, minus z_label: positive where the example is misclassified. */
export const margin = (labels: Labels): PerRow => ({ kind: "margin", labels });

/** z_target − z_label. */
export const difference = (labels: Labels, targets: Labels): PerRow => ({
  kind: "difference",
  labels,
  targets,
});

/** The margin, which scaling or shifting the logits does not change: over z_π1 − z_π3, π sorting them (descending). */
export const dlr = (labels: Labels): PerRow => ({ kind: "dlr", labels });

/** z_target − z_label over z_π1 − (z_π3 + z_π4)/2. */
export const dlrTargeted = (labels: Labels, targets: Labels): PerRow => ({
  kind: "dlr-targeted",
  labels,
  targets,
});

/** ⟨weights, z⟩, weights [batch, classes]: any vector–Jacobian product. */
export const linear = (weights: Tensor): PerRow => ({ kind: "linear", weights });

/** A loss that each row has for itself. */
export type PerRow = Exclude<Loss, { readonly kind: "of-mean" }>;

/** The loss of the mean logits of each run of `draws` rows; `loss` is that of the examples. */
export const ofMean = (loss: PerRow, draws: number): Loss => ({
  kind: "of-mean",
  draws,
  loss,
});

/** The same loss on the examples at `indices`, in that order; an index may repeat. */
export function takeLoss(loss: Loss, indices: readonly number[]): PerRow {
  const take = (labels: Labels) => indices.map((index) => labels[index]);
  if (loss.kind === "of-mean")
    throw new Error("internal: rows of a loss of mean logits belong together");
  if (loss.kind === "linear") return linear(takeRows(loss.weights, indices));
  if (loss.kind === "difference" || loss.kind === "dlr-targeted")
    return { kind: loss.kind, labels: take(loss.labels), targets: take(loss.targets) };
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
  if (loss.kind === "of-mean") return lossOfMean(loss, logits);
  const classes = rowSize(logits);
  const losses = new Float32Array(logits.shape[0] ?? 0);
  const gradient = tensor(logits.shape);
  for (let i = 0; i < losses.length; i++) {
    const z = logits.data.slice(i * classes, (i + 1) * classes).map(bounded);
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
      const target = "targets" in loss ? loss.targets[i] : rivalOf(z, label);
      losses[i] = z[target] - z[label];
      g[target] += 1;
      g[label] -= 1;
      const spread = spreads[loss.kind];
      if (spread !== undefined && classes >= spread.length)
        losses[i] = divide(losses[i], z, g, spread);
    }
  }
  return { losses, gradient };
}

/**
 * What stands for an infinite logit, so that 0 times it is 0: just below half of float32's largest number, so that differences
 * are finite and finite logits keep their values. A class below −1e20 is no part of a denominator.
 */
export const HUGE = 1.5e38;
export const isLive = (logit: number): boolean => logit > -1e20;

const bounded = (logit: number): number => Math.min(Math.max(logit, -HUGE), HUGE);

/** What the denominator of a loss makes of the logits in descending order; it needs as many classes. */
const spreads: { readonly [K in Loss["kind"]]?: readonly number[] } = {
  dlr: [1, 0, -1],
  "dlr-targeted": [1, 0, -0.5, -0.5],
};

/**
 * a / b with b = ⟨spread, sorted z⟩ + 1e-12, as the authors have it; g becomes its gradient. Of equal logits the first counts.
 * With too few classes above −∞ there is nothing to divide by.
 */
function divide(a: number, z: Float32Array, g: Float32Array, spread: readonly number[]): number {
  const order = Array.from(z.keys()).sort((i, j) => z[j] - z[i] || i - j);
  if (!isLive(z[order[spread.length - 1]])) return a;
  const b = spread.reduce((sum, weight, i) => sum + weight * z[order[i]], 1e-12);
  for (let j = 0; j < g.length; j++) g[j] /= b;
  for (const [i, weight] of spread.entries()) g[order[i]] -= (weight * a) / b / b;
  return a / b;
}

/**
 * max over j ≠ label of z_j, minus z_label; of logits [batch, classes]. Finite, whatever the logits are: a class at −∞ is no
 * rival, and where a logit is NaN or the label's own is −∞ the example is misclassified, by 1.5e38.
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
    if (Number.isNaN(z[j])) return HUGE;
    if (j !== label) rival = Math.max(rival, z[j]);
  }
  if (z[label] === Number.NEGATIVE_INFINITY) return HUGE;
  return bounded(rival) - bounded(z[label]);
}

/** The mean of each run of `draws` rows, [batch, ...] → [batch / draws, ...]; sums are in double precision. */
export function meanRows(x: Tensor, draws: number): Tensor {
  const row = rowSize(x);
  const means = tensor([x.shape[0] / draws, ...x.shape.slice(1)]);
  const sums = new Float64Array(row);
  for (let i = 0; i < means.shape[0]; i++) {
    sums.fill(0);
    for (let r = i * draws; r < (i + 1) * draws; r++)
      for (let j = 0; j < row; j++) sums[j] += x.data[r * row + j];
    for (let j = 0; j < row; j++) means.data[i * row + j] = sums[j] / draws;
  }
  return means;
}

/** Of the mean z̄ of `draws` rows: ∂L/∂z of each is ∂L/∂z̄ / draws. */
function lossOfMean({ loss, draws }: Extract<Loss, { kind: "of-mean" }>, logits: Tensor) {
  const { losses, gradient: ofMeans } = lossOfLogits(loss, meanRows(logits, draws));
  const classes = rowSize(logits);
  const gradient = tensor(logits.shape);
  for (let i = 0; i < gradient.data.length; i++) {
    const example = Math.floor(i / (draws * classes));
    gradient.data[i] = ofMeans.data[example * classes + (i % classes)] / draws;
  }
  return { losses, gradient };
}

/** The class of the highest logit other than the label's. */
function rivalOf(z: Float32Array, label: number): number {
  let best = label === 0 ? 1 : 0;
  for (let j = 0; j < z.length; j++) if (j !== label && z[j] > z[best]) best = j;
  return best;
}
