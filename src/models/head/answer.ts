// The class that a file itself decides for, which its logits must keep even where the scores before the output tie or
// disagree.

import * as g from "../../engine/graph/expressions.ts";
import type { Value } from "../../engine/graph/value.ts";
import { tensor } from "../../math/tensor.ts";

/** How a file decides: for the class with the largest number of a row. */
export interface Answer {
  /** The file's output as rows [batch, classes]; for a single score, one column is its threshold. */
  readonly rows: Value;
  /** Whether the last of several equally large classes wins; otherwise the first. */
  readonly isLast: boolean;
}

/** The share of the largest logit by which the file's class is raised above it. */
const STEP = 2 ** -20;

/** The class that the file decides for, int64 [batch, 1]. */
export function answeredClass({ rows, isLast }: Answer): Value {
  const [, classes] = rows.shape;
  if (!isLast) return g.argMax(rows, 1);
  const fromEnd = g.argMax(g.flip(rows, 1), 1);
  return g.sub(g.scalarLike(fromEnd, classes - 1), fromEnd);
}

/** Whether a row has no NaN, bool [batch, 1]. */
function areNumbers(rows: Value): Value {
  const count = g.sum(g.cast(g.equal(rows, rows), "float32"), [1], true);
  return g.equal(count, g.scalarLike(count, rows.shape[1]));
}

/**
 * Changes logits [batch, classes] so that the largest of a row is the class that the file decides for. In float32, large
 * logits can give equal outputs (a sigmoid is 1 from 17 on), and the file then decides for the first of them; this
 * class's logit is raised just above the others. Gradients stay those of the given logits. Rows with NaN in the output
 * stay as they are.
 */
export function withAnswer(logits: Value, answer: Answer): Value {
  const [, classes] = logits.shape;
  const decided = answeredClass(answer);
  const indices = g.constant({
    dtype: "int64",
    shape: [1, classes],
    data: BigInt64Array.from({ length: classes }, (_, i) => BigInt(i)),
  });
  const isOther = g.and(g.not(g.equal(g.argMax(logits, 1), decided)), areNumbers(answer.rows));
  const top = g.max(logits, [1], true);
  const size = g.maximum(g.abs(top), g.scalarLike(top, 1));
  const raised = g.add(top, g.mul(size, g.scalarLike(top, STEP)));
  const values = g.where(g.and(g.equal(indices, decided), isOther), raised, logits);
  return g.straightThrough(values, logits);
}

/** Rows [batch, 2] in which class 1 is larger exactly if a score [batch, 1] is above (or below) the threshold t. */
export function thresholdRows(score: Value, t: number, isAbove: boolean): Value {
  const batch = score.shape[0];
  const threshold = g.constant(tensor([batch, 1], new Float32Array(batch).fill(t)));
  return g.concat(isAbove ? [threshold, score] : [score, threshold], 1);
}
