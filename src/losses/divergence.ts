import { exp, logSoftmax, mul, neg, sub, sum } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { defineLoss } from "./define-loss.ts";
import type { Labels } from "./loss-definition.ts";

/**
 * The cross-entropy −Σ p log softmax(z) for given probabilities p [batch, classes]: the divergence KL(p ‖ softmax(z)) plus the
 * entropy of p, which no attack changes.
 */
export const divergence = defineLoss({
  name: "divergence",
  source: "Zhang et al. 2019, arXiv:1901.08573, Eq. 5",
  graph: (logits, p) => neg(sum(mul(logSoftmax(logits), p), [1])),
  weights: (data: { readonly labels: Labels; readonly probabilities: Tensor }) =>
    data.probabilities,
});

/** KL(softmax(a) ‖ softmax(b)) of each row, for logits [batch, classes] → [batch]. */
export function klDivergence(a: Value, b: Value): Value {
  const logP = logSoftmax(a);
  return sum(mul(exp(logP), sub(logP, logSoftmax(b))), [1]);
}

/** The softmax of each row of logits [batch, classes], computed in double precision. */
export function probabilitiesOf(logits: Tensor): Tensor {
  const classes = rowSize(logits);
  const out = tensor(logits.shape);
  for (let from = 0; from < logits.data.length; from += classes) {
    const z = logits.data.subarray(from, from + classes);
    const highest = z.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
    const total = z.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
    for (let j = 0; j < classes; j++) out.data[from + j] = Math.exp(z[j] - highest) / total;
  }
  return out;
}
