import {
  add,
  cast,
  clip,
  constant,
  div,
  greater,
  logSoftmax,
  matmul,
  max,
  mean,
  mul,
  neg,
  reshape,
  scalarLike,
  stopGradient,
  sub,
  sum,
  where,
} from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { type Tensor, tensor } from "../math/tensor.ts";

/** One class index per example. */
export type Labels = readonly number[];

/** What a loss compares, as data; structurally the `Loss` of an attack. */
export type LossData =
  | { readonly kind: "ce"; readonly labels: Labels }
  | { readonly kind: "margin"; readonly labels: Labels }
  | { readonly kind: "difference"; readonly labels: Labels; readonly targets: Labels }
  | { readonly kind: "dlr"; readonly labels: Labels }
  | { readonly kind: "dlr-targeted"; readonly labels: Labels; readonly targets: Labels }
  | { readonly kind: "linear"; readonly weights: Tensor }
  | { readonly kind: "of-mean"; readonly draws: number; readonly loss: RowLossData };

/** A loss that each row has for itself. */
type RowLossData = Exclude<LossData, { readonly kind: "of-mean" }>;

/** −log softmax(z)_label, per example: logits [batch, classes] and one-hot labels → [batch]. */
export const crossEntropy = (logits: Value, oneHot: Value): Value =>
  neg(sum(mul(logSoftmax(logits), oneHot), [1]));

/** max over j ≠ label of z_j, minus z_label: positive exactly when the example is misclassified. */
const margin = (logits: Value, oneHot: Value): Value => {
  const lowest = scalarLike(logits, -3e38);
  const others = where(greater(oneHot, scalarLike(oneHot, 0.5)), lowest, logits);
  return sub(max(others, [1]), sum(mul(logits, oneHot), [1]));
};

type LossGraph = (logits: Value, weights: Value) => Value;

/** ⟨weights, z⟩; `difference` is one of these, so the two share a program. */
const linear: LossGraph = (logits, weights) => sum(mul(logits, weights), [1]);

/**
 * The `count` highest logits of each row in descending order, each [batch]. A row's maximum is found and put aside, again
 * and again; of equal logits the first one counts, and it alone, so that the gradient is that of a sort.
 */
function highest(logits: Value, count: number): Value[] {
  const classes = logits.shape[1];
  // earlier[i, j] = 1 where i < j: a mask times it counts the ones before each place.
  const earlier = tensor([classes, classes]);
  for (let i = 0; i < classes; i++)
    for (let j = i + 1; j < classes; j++) earlier.data[i * classes + j] = 1;
  const counting = cast(constant(earlier), logits.dtype);
  const half = scalarLike(logits, 0.5);
  const found: Value[] = [];
  const taken = scalarLike(logits, -3e38);
  let left = stopGradient(logits);
  for (let place = 0; place < count; place++) {
    const below = cast(greater(max(left, [1], true), left), logits.dtype);
    const atTop = sub(scalarLike(logits, 1), below);
    const isFirst = where(greater(matmul(atTop, counting), half), scalarLike(logits, 0), atTop);
    found.push(sum(mul(logits, isFirst), [1]));
    left = where(greater(isFirst, half), taken, left);
  }
  return found;
}

/** numerator / denominator, which is at least 0: with the authors' 1e-12, equal logits give 0 and no NaN. */
const over = (numerator: Value, denominator: Value): Value =>
  div(numerator, add(denominator, scalarLike(denominator, 1e-12)));

/**
 * Logits of ±∞ as ±1.5e38, without a gradient: 0 times infinity would be NaN. The bound is just below half of float32's largest
 * number, so differences stay finite and as few finite logits as possible meet it. A class below −1e20 is no part of a
 * denominator.
 */
const bounded = (logits: Value): Value => clip(logits, -1.5e38, 1.5e38);

/** The ratio where the lowest logit of the denominator is that of a live class, else the numerator alone. */
const overLive = (numerator: Value, denominator: Value, lowest: Value): Value =>
  over(
    numerator,
    where(greater(lowest, scalarLike(lowest, -1e20)), denominator, scalarLike(denominator, 1)),
  );

/** Difference of logits ratio (Croce & Hein 2020, arXiv:2003.01690, Eq. 6); the margin where there are 2 classes. */
const dlr: LossGraph = (logits, oneHot) => {
  if (logits.shape[1] < 3) return margin(logits, oneHot);
  const [first, , third] = highest(logits, 3);
  return overLive(margin(logits, oneHot), sub(first, third), third);
};

/** Its targeted form (Eq. 7); weights are 1 at the target and −1 at the label. With fewer than 4 classes their difference. */
const dlrTargeted: LossGraph = (logits, weights) => {
  if (logits.shape[1] < 4) return linear(logits, weights);
  const [first, , third, fourth] = highest(logits, 4);
  const half = scalarLike(logits, 0.5);
  const denominator = sub(first, mul(half, add(third, fourth)));
  return overLive(linear(logits, weights), denominator, fourth);
};

const rowLosses: { readonly [K in RowLossData["kind"]]: readonly [name: string, LossGraph] } = {
  ce: ["ce", crossEntropy],
  margin: ["margin", margin],
  linear: ["linear", linear],
  difference: ["linear", linear],
  dlr: ["dlr", dlr],
  "dlr-targeted": ["dlr-targeted", dlrTargeted],
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
    return { name, draws: 1, losses: (logits, weights) => losses(bounded(logits), weights) };
  }
  const [name, losses] = rowLosses[loss.loss.kind];
  const { draws } = loss;
  return {
    name: `${name} of the mean of ${draws}`,
    draws,
    losses(logits, weights) {
      const [batch, classes] = logits.shape;
      const grouped = reshape(bounded(logits), [batch / draws, draws, classes]);
      return losses(bounded(mean(grouped, [1])), weights);
    },
  };
}

/** The array [examples, classes] that a loss's graph takes beside the logits. */
export function lossWeights(loss: LossData, classes: number): Tensor {
  if (loss.kind === "of-mean") return lossWeights(loss.loss, classes);
  if (loss.kind === "linear") return loss.weights;
  const weights = tensor([loss.labels.length, classes]);
  loss.labels.forEach((label, i) => {
    weights.data[i * classes + label] = "targets" in loss ? -1 : 1;
  });
  if ("targets" in loss)
    loss.targets.forEach((target, i) => {
      weights.data[i * classes + target] += 1;
    });
  return weights;
}
