// Follows the axis of the classes through operators that rearrange.

import type { Shape } from "../../math/tensor.ts";
import { elementCount } from "../../math/tensor.ts";

/** The axis of shape `to` that is `axis` of shape `from` after a reshape; null if the reshape splits or joins it. */
export function relocatedAxis(from: Shape, axis: number, to: Shape): number | null {
  if (elementCount(from) !== elementCount(to)) return null;
  const outer = elementCount(from.slice(0, axis));
  const relocated = to.findIndex(
    (length, i) => length === from[axis] && elementCount(to.slice(0, i)) === outer,
  );
  return relocated < 0 ? null : relocated;
}

/** Whether an operand broadcasts along `axis` of the result shape `to`: it is then one number per row. */
export function isPerRow(operand: Shape, to: Shape, axis: number): boolean {
  const place = axis - (to.length - operand.length);
  return place < 0 || operand[place] === 1;
}
