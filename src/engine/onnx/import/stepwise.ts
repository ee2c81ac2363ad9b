import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import type { ImportNode } from "./import-node.ts";

/** The step function y of x, with the gradient of x if it is differentiated straight through. Adds a note. */
export function stepwise(node: ImportNode, y: Value, x: Value): Value {
  if (node.isConstant(x)) return y;
  node.noteStepwise(node.type);
  return node.straightThrough ? g.straightThrough(y, x) : y;
}
