// The lowering for x64 processors. Images stay in blocks of channels from the first convolution to the last, forward and
// backward, and are reordered only for operators that have no blocked form. Those are lowered plainly.

import { elementCount } from "../../../math/tensor.ts";
import type { Lowered } from "../../graph/lowered.ts";
import { is, topological, type Value } from "../../graph/value.ts";
import { builder } from "../builder.ts";
import { foldScales } from "../fold-scales.ts";
import { lowerNode } from "../plain/plain.ts";
import { type BreakEven, defaultBreakEven } from "./cost.ts";
import { Layouts } from "./layouts.ts";
import { NchwcBuilder } from "./nchwc-builder.ts";
import { applyRule } from "./rules.ts";

/** Largest constant, in elements, that lowering computes; the runtime prepares larger ones in a separate program. */
const MAX_FOLDED = 4096;

/**
 * Lowers a graph of source operators for an engine with blocks of `block` channels. Uses Winograd convolutions where the
 * cost model with `breakEven` says that they win.
 */
export function lowerBlocked(
  outputs: Readonly<Record<string, Value>>,
  block: number,
  breakEven: BreakEven = defaultBreakEven,
): Record<string, Lowered> {
  const names = Object.keys(outputs);
  const roots = foldScales(Object.values(outputs));
  const order = topological<Value>(roots);
  const readers = countReaders(order, roots);
  const b = builder(MAX_FOLDED);
  const layouts = new Layouts(b, new NchwcBuilder(b, block), breakEven);

  for (const node of order) {
    const result = canBeBlocked(node) ? applyRule(layouts, node) : null;
    if (result === null) {
      const inputs = node.inputs.map((input) => layouts.plain(input));
      layouts.setPlain(node, lowerNode(b, node, inputs));
    } else if ("plain" in result) layouts.setPlain(node, result.plain);
    else {
      layouts.setBlocked(node, result);
      // Computes a value with several readers once.
      if ((readers.get(node) ?? 0) > 1) layouts.blocked(node);
    }
  }
  return Object.fromEntries(names.map((name, i) => [name, layouts.plain(roots[i])]));
}

/** How many nodes and outputs read each value. */
function countReaders(
  order: readonly Value[],
  roots: readonly Value[],
): ReadonlyMap<Value, number> {
  const readers = new Map<Value, number>();
  for (const value of [...order.flatMap(({ inputs }) => inputs), ...roots])
    readers.set(value, (readers.get(value) ?? 0) + 1);
  return readers;
}

/** Whether a rule may apply: the node computes images, or sums over images, and is not empty. */
const canBeBlocked = (node: Value): boolean =>
  (node.shape.length === 4 || is(node, "ReduceSum")) &&
  isFloat(node) &&
  elementCount(node.shape) > 0;

/** Whether a node computes float32, or compares it. */
const isFloat = ({ dtype, inputs }: Value): boolean =>
  dtype === "float32" ||
  (dtype === "bool" && inputs.every((x) => x.dtype === "float32" || x.dtype === "bool"));
