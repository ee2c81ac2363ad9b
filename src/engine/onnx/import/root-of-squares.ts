import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";

/** About the smallest normal float32 number; smaller squares have lost their precision. */
const MIN_SQUARE = 1e-38;

/** √x of a sum of squares x. At 0, the root is exactly 0 and the gradient is 0 instead of ∞. */
export function rootOfSquares(x: Value): Value {
  const root = g.sqrt(g.clip(x, MIN_SQUARE, Number.POSITIVE_INFINITY));
  return g.where(g.greater(x, g.scalarLike(x, MIN_SQUARE)), root, g.stopGradient(g.sqrt(x)));
}
