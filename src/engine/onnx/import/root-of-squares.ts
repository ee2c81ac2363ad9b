// The root of a sum of squares.
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";

/** Below this a square is no normal float32 number. */
const SMALLEST = 1e-38;

/** √x of a sum of squares, exactly 0 at 0, where its gradient is 0 instead of infinite. */
export function rootOfSquares(x: Value): Value {
  const safe = g.sqrt(g.clip(x, SMALLEST, Number.POSITIVE_INFINITY));
  return g.where(g.greater(x, g.scalarLike(x, SMALLEST)), safe, g.stopGradient(g.sqrt(x)));
}
