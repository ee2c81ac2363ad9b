import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import type { RowLoss } from "./table.ts";

/**
 * The loss of mean logits, as data: `draws` consecutive rows of logits are draws of one example, and `loss` [examples]
 * is taken of their mean.
 */
export interface MeanLoss {
  readonly kind: "of-mean";
  readonly draws: number;
  readonly loss: RowLoss;
}

/** L(z̄) with z̄ the mean of `draws` consecutive rows of logits; `loss` belongs to the examples, not to the rows. */
export const ofMean = (loss: RowLoss, draws: number): MeanLoss => ({
  kind: "of-mean",
  draws,
  loss,
});

/** The mean of every `draws` consecutive rows: [batch, ...] → [batch / draws, ...]. Sums in double precision. */
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
