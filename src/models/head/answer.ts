// The class that a file itself answers, kept where the scores before its end say another one.

import * as g from "../../engine/graph/expressions.ts";
import type { Value } from "../../engine/graph/value.ts";
import { tensor } from "../../math/tensor.ts";

/** What a file decides by. */
export interface Answer {
  /** [batch, classes], from the file's end: it answers the class of the largest. Of a single score the other column is its threshold. */
  readonly rows: Value;
  /** Whether it answers the last of several classes that are equally large; else the first. */
  readonly isLast: boolean;
}

/** Share of a logit by which the file's class is raised above the others. */
const STEP = 2 ** -20;

/** The class that the file answers, int64 [batch, 1]. */
export function answered({ rows, isLast }: Answer): Value {
  const [, classes] = rows.shape;
  if (!isLast) return g.argMax(rows, 1);
  const fromTheEnd = g.argMax(g.flip(rows, 1), 1);
  return g.sub(g.scalarLike(fromTheEnd, classes - 1), fromTheEnd);
}

/** Whether no number of a row is NaN, bool [batch, 1]. */
function areNumbers(rows: Value): Value {
  const count = g.sum(g.cast(g.equal(rows, rows), "float32"), [1], true);
  return g.equal(count, g.scalarLike(count, rows.shape[1]));
}

/**
 * Logits [batch, classes] whose largest is the class that the file answers. Float32 makes one number of several large
 * logits (a sigmoid is 1 from 17 on), and the file then answers the first class of these. There its class is raised just
 * above the others; gradients stay those of the logits. A row of NaN answers nothing and changes nothing.
 */
export function answering(logits: Value, answer: Answer): Value {
  const [, classes] = logits.shape;
  const decided = answered(answer);
  const each = g.constant({
    dtype: "int64",
    shape: [1, classes],
    data: BigInt64Array.from({ length: classes }, (_, i) => BigInt(i)),
  });
  const isOther = g.and(g.not(g.equal(g.argMax(logits, 1), decided)), areNumbers(answer.rows));
  const top = g.max(logits, [1], true);
  const size = g.maximum(g.abs(top), g.scalarLike(top, 1));
  const raised = g.add(top, g.mul(size, g.scalarLike(top, STEP)));
  const values = g.where(g.and(g.equal(each, decided), isOther), raised, logits);
  return g.straightThrough(values, logits);
}

/** Rows in which class 1 is the largest where a score [batch, 1] is above (or below) a threshold. */
export function thresholdRows(score: Value, t: number, isAbove: boolean): Value {
  const batch = score.shape[0];
  const threshold = g.constant(tensor([batch, 1], new Float32Array(batch).fill(t)));
  return g.concat(isAbove ? [threshold, score] : [score, threshold], 1);
}
