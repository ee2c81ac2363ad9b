import type { Tensor } from "../math/tensor.ts";
import type { MeanLoss } from "./of-mean.ts";
import type { RowLoss } from "./table.ts";

/**
 * What an attack maximises, per example, as data: a loss of each row, or of the mean logits of several rows.
 * `defineLoss` makes others.
 */
export type Loss = RowLoss | MeanLoss;

/**
 * Losses [examples], logits [batch, classes] and ∂(Σ losses)/∂x [batch, ...pixels], from one run. There is an example
 * per row, or per `draws` rows of a mean loss.
 */
export interface LossAndGradient {
  readonly losses: Float32Array;
  readonly logits: Tensor;
  readonly gradient: Tensor;
}
