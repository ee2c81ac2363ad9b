import { add, expand, scalarLike } from "../graph/ops.ts";
import { type Op, topological, type Value } from "../graph/value.ts";
import { type Rule, rules } from "./rules.ts";

/**
 * ∂loss/∂each of `wrt`, as expressions: one reverse walk over what `loss` reaches (reverse mode). Only
 * nodes that depend on `wrt` get a gradient; a value that `loss` does not depend on gets zeros. `made` hears of each part of
 * a gradient that the rule of a node makes.
 */
export function gradient(
  loss: Value,
  wrt: readonly Value[],
  made: (node: Value, part: Value) => void = () => undefined,
): Value[] {
  if (loss.shape.length !== 0)
    throw new Error(
      `gradient needs a scalar, got a value of shape [${loss.shape.join(", ")}]; sum it first`,
    );
  const order = topological<Value>([loss]);
  const relevant = new Set<Value>(wrt);
  for (const node of order)
    if (node.inputs.some((input) => relevant.has(input))) relevant.add(node);

  const gradients = new Map<Value, Value>([[loss, scalarLike(loss, 1)]]);
  const targets = new Set(wrt);
  for (const node of order.toReversed()) {
    const dy = gradients.get(node);
    if (dy === undefined || !relevant.has(node)) continue;
    if (node.inputs.length === 0) continue;
    const rule = (rules as Record<Op, Rule<never>>)[node.op];
    rule(node as never, dy).forEach((part, i) => {
      const input = node.inputs[i];
      if (part === null || !relevant.has(input)) return;
      made(node as Value, part);
      const sofar = gradients.get(input);
      gradients.set(input, sofar === undefined ? part : add(sofar, part));
    });
    if (!targets.has(node)) gradients.delete(node);
  }
  return wrt.map((value) => gradients.get(value) ?? expand(scalarLike(value, 0), value.shape));
}
