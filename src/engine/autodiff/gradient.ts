import { add, expand, scalarLike } from "../graph/ops.ts";
import { type Op, topological, type Value } from "../graph/value.ts";
import { type Rule, rules } from "./rules.ts";

/**
 * The gradients of `loss`, a scalar, by each value in `wrt`, as expressions of the shapes of these values (reverse-mode
 * differentiation). The gradient by a value that `loss` does not depend on is zeros. `onPart` is called for every
 * contribution that the rule of a node makes to the gradient by one of its inputs. Throws if `loss` is not of shape [].
 *
 * @example
 * ```ts
 * import { gradient, interpret, ops, tensor } from "rampart";
 *
 * const x = ops.input("x", [3]);
 * const [dx] = gradient(ops.sum(ops.mul(x, x)), [x]);
 * const [slopes] = interpret([dx], { x: tensor([3], [1, 2, 3]) });
 * console.log(slopes.data); // 2, 4, 6
 * ```
 */
export function gradient(
  loss: Value,
  wrt: readonly Value[],
  onPart: (node: Value, part: Value) => void = () => undefined,
): Value[] {
  if (loss.shape.length !== 0)
    throw new Error(
      `gradient needs a scalar, got a value of shape [${loss.shape.join(", ")}]; sum it first`,
    );
  const order = topological<Value>([loss]);
  // The nodes that depend on `wrt`; the others need no gradient.
  const relevant = new Set<Value>(wrt);
  for (const node of order)
    if (node.inputs.some((input) => relevant.has(input))) relevant.add(node);

  const gradients = new Map<Value, Value>([[loss, scalarLike(loss, 1)]]);
  const requested = new Set(wrt);
  for (const node of order.toReversed()) {
    const dy = gradients.get(node);
    if (dy === undefined || !relevant.has(node)) continue;
    if (node.inputs.length === 0) continue;
    const rule = (rules as Record<Op, Rule<never>>)[node.op];
    rule(node as never, dy).forEach((part, i) => {
      const input = node.inputs[i];
      if (part === null || !relevant.has(input)) return;
      onPart(node as Value, part);
      const sum = gradients.get(input);
      gradients.set(input, sum === undefined ? part : add(sum, part));
    });
    if (!requested.has(node)) gradients.delete(node);
  }
  return wrt.map((value) => gradients.get(value) ?? expand(scalarLike(value, 0), value.shape));
}
