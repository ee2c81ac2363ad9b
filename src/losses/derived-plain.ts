import { gradient } from "../engine/autodiff/gradient.ts";
import { interpret } from "../engine/graph/interpret.ts";
import { input, sum } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import type { LossDefinition, LossExpression } from "./loss-definition.ts";

/** The name of a loss graph's input for logits [batch, classes]. */
export const LOGITS = "logits";
/** The name of a loss graph's input for weights [batch, classes]. */
export const WEIGHTS = "weights";

/** The losses [rows] of logits [rows, classes] as a graph, and the gradient [rows, classes] of their sum. */
export function lossAndSlopes(
  graph: LossExpression,
  rows: number,
  classes: number,
): readonly Value[] {
  const logits = input(LOGITS, [rows, classes]);
  const losses = graph(logits, input(WEIGHTS, [rows, classes]));
  return [losses, gradient(sum(losses), [logits])[0]];
}

/**
 * The plain form of a loss that has a graph only: the reference interpreter runs the graph of one row, [1, classes], and its
 * gradient. Graphs are kept by number of classes, and weights by loss.
 */
export function plainOfGraph<D extends object & { readonly kind: string }>(
  graph: LossExpression,
  weightsOf: (loss: D, classes: number) => Tensor,
): LossDefinition<D>["plain"] {
  const outputs = new Map<number, readonly Value[]>();
  const weights = new WeakMap<D, Tensor>();
  return (loss, i, z, slopes) => {
    const classes = z.length;
    const row = outputs.get(classes) ?? lossAndSlopes(graph, 1, classes);
    outputs.set(classes, row);
    const all = weights.get(loss) ?? weightsOf(loss, classes);
    weights.set(loss, all);
    const [value, gradient] = interpret(row, {
      [LOGITS]: tensor([1, classes], z),
      [WEIGHTS]: tensor([1, classes], all.data.subarray(i * classes, (i + 1) * classes)),
    });
    slopes.set(gradient.data as Float32Array);
    return Number(value.data[0]);
  };
}
