import type { Value } from "../engine/graph/value.ts";
import type { Tensor } from "../math/tensor.ts";

/** One class index per example. */
export type Labels = readonly number[];

/** Builds losses [batch] from logits [batch, classes] and a weight array [batch, classes] that depends on the loss. */
export type LossExpression = (logits: Value, weights: Value) => Value;

/**
 * A loss that each row of logits has for itself, in plain form and in graph form. `D` is the loss as data: its kind and
 * whatever it compares the logits with. All logits that arrive here are finite (see `logit-bounds.ts`).
 */
export interface LossDefinition<D extends { readonly kind: string }> {
  readonly type: "loss";
  /** The name in the table of losses. */
  readonly name: string;
  /** The publication, or another origin. */
  readonly source: string;
  /** Names the graph: two losses with the same name build the same graph and share its compiled program. */
  readonly graphName: string;
  /** Graph form. */
  readonly graph: LossExpression;
  /** The weights [examples, classes] that the graph form takes. */
  readonly weights: (loss: D, classes: number) => Tensor;
  /**
   * Plain form: the loss of example `i`, whose logits are z [classes]; writes ∂loss/∂z to `slopes` [classes], zeros on
   * entry.
   */
  readonly plain: (loss: D, i: number, z: Float32Array, slopes: Float32Array) => number;
  /** The loss of the examples at `indices`, in that order; an index may repeat. */
  readonly take: (loss: D, indices: readonly number[]) => D;
}

/** The labels of the examples at `indices`, in that order; an index may repeat. */
export const takeLabels = (labels: Labels, indices: readonly number[]): Labels =>
  indices.map((index) => labels[index]);
