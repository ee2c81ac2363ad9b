// Losses as expression graphs.
import { mean, reshape } from "../engine/graph/ops.ts";
import type { Tensor } from "../math/tensor.ts";
import { clipLogits } from "./logit-bounds.ts";
import type { Loss } from "./loss.ts";
import type { LossExpression } from "./loss-definition.ts";
import { definitionOf } from "./table.ts";

/** A loss as a graph. */
export interface LossGraph {
  /** Two losses with the same name build the same graph and share its compiled program. */
  readonly name: string;
  /** Rows of logits per example. */
  readonly draws: number;
  /** logits [examples × draws, classes] and `lossWeights` [examples, classes] → losses [examples]. */
  readonly losses: LossExpression;
}

/** The graph of a loss. Its labels, targets or weights are not part of the graph; they are its second input. */
export function lossGraph(loss: Loss): LossGraph {
  if (loss.kind !== "of-mean") {
    const { graphName, graph } = definitionOf(loss);
    return {
      name: graphName,
      draws: 1,
      losses: (logits, weights) => graph(clipLogits(logits), weights),
    };
  }
  const { graphName, graph } = definitionOf(loss.loss);
  const { draws } = loss;
  return {
    name: `${graphName} of the mean of ${draws}`,
    draws,
    losses(logits, weights) {
      const [batch, classes] = logits.shape;
      const grouped = reshape(clipLogits(logits), [batch / draws, draws, classes]);
      return graph(clipLogits(mean(grouped, [1])), weights);
    },
  };
}

/** The weights [examples, classes] that the graph of a loss takes beside the logits. */
export function lossWeights(loss: Loss, classes: number): Tensor {
  const ofExample = loss.kind === "of-mean" ? loss.loss : loss;
  return definitionOf(ofExample).weights(ofExample, classes);
}
