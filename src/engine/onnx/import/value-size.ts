import { elementCount } from "../../../math/tensor.ts";
import type { Value } from "../../graph/value.ts";
import type { ImportNode } from "./import-node.ts";

/** Maximum elements and axes of one value. */
const MAX_ELEMENTS = 2 ** 31;
const MAX_AXES = 64;

/** Throws `UsageError` about the node if its value has an impossible shape or too many elements. */
export function requireSize({ shape }: Value, node: ImportNode): void {
  if (
    !(elementCount(shape) <= MAX_ELEMENTS) ||
    shape.length > MAX_AXES ||
    !shape.every((n) => Number.isInteger(n) && n >= 0)
  )
    throw node.error(
      `an output of shape [${shape.join(", ")}] is impossible or too large; check the batch size and the file`,
    );
}
