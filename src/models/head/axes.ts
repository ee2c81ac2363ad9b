// Where the classes are, through operators that rearrange.

import type { Shape } from "../../math/tensor.ts";
import { sizeOf } from "../../math/tensor.ts";

/** The axis of the same length with the same number of elements before each of its steps; null where a reshape has none. */
export function relocated(from: Shape, axis: number, to: Shape): number | null {
  if (sizeOf(from) !== sizeOf(to)) return null;
  const before = sizeOf(from.slice(0, axis));
  const found = to.findIndex(
    (length, i) => length === from[axis] && sizeOf(to.slice(0, i)) === before,
  );
  return found < 0 ? null : found;
}

/** Whether an operand of a result of shape `to` is the same for all classes on its `axis`. */
export function isPerRow(operand: Shape, to: Shape, axis: number): boolean {
  const place = axis - (to.length - operand.length);
  return place < 0 || operand[place] === 1;
}
