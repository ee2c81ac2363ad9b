// Losses in plain arithmetic, for victims that are not graphs.
import { InternalError } from "../math/internal-error.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { clipLogit } from "./logit-bounds.ts";
import type { Loss } from "./loss.ts";
import { type MeanLoss, meanRows } from "./of-mean.ts";
import { definitionOf, type RowLoss } from "./table.ts";

/** Losses [examples] and the gradient ∂(Σ losses)/∂logits [batch, classes]. */
export interface LossOfLogits {
  readonly losses: Float32Array;
  readonly gradient: Tensor;
}

/** A loss of logits [batch, classes] and its gradient, in plain arithmetic. */
export const lossOfLogits = (loss: Loss, logits: Tensor): LossOfLogits =>
  loss.kind === "of-mean" ? lossOfMean(loss, logits) : lossOfRows(loss, logits);

function lossOfRows(loss: RowLoss, logits: Tensor): LossOfLogits {
  const classes = rowSize(logits);
  const { plain } = definitionOf(loss);
  const losses = new Float32Array(logits.shape[0] ?? 0);
  const gradient = tensor(logits.shape);
  for (let i = 0; i < losses.length; i++) {
    const from = i * classes;
    const z = logits.data.slice(from, from + classes).map(clipLogit);
    losses[i] = plain(loss, i, z, gradient.data.subarray(from, from + classes));
  }
  return { losses, gradient };
}

/** With z̄ the mean of `draws` rows z, ∂L/∂z of each row is ∂L/∂z̄ / draws. */
function lossOfMean({ loss, draws }: MeanLoss, logits: Tensor): LossOfLogits {
  const { losses, gradient: ofMeans } = lossOfRows(loss, meanRows(logits, draws));
  const classes = rowSize(logits);
  const gradient = tensor(logits.shape);
  for (let i = 0; i < gradient.data.length; i++) {
    const example = Math.floor(i / (draws * classes));
    gradient.data[i] = ofMeans.data[example * classes + (i % classes)] / draws;
  }
  return { losses, gradient };
}

/**
 * The same loss of the examples at `indices`, in that order; an index may repeat. A loss of mean logits throws: its rows
 * belong together.
 */
export function takeLoss(loss: Loss, indices: readonly number[]): RowLoss {
  if (loss.kind === "of-mean")
    throw new InternalError("rows of a loss of mean logits belong together");
  return definitionOf(loss).take(loss, indices);
}
