import { node } from "./ops.ts";
import { nameOrigin, originOf } from "./origins.ts";
import { topological, type Value } from "./value.ts";

/**
 * The value with every node that is a key of `replaced` exchanged for its entry. Nodes that depend on one are made anew and
 * added to `replaced`, so that several calls share them, and keep their origin; all others stay the same objects.
 */
export function substitute(value: Value, replaced: Map<Value, Value>): Value {
  for (const one of topological<Value>([value])) {
    if (replaced.has(one)) continue;
    const inputs = one.inputs.map((input) => replaced.get(input) ?? input);
    if (inputs.every((input, i) => input === one.inputs[i])) continue;
    const made = node(one.op, inputs, one.attrs, one.dtype, one.shape);
    const origin = originOf(one);
    if (origin !== undefined) nameOrigin([made], inputs, origin);
    replaced.set(one, made);
  }
  return replaced.get(value) ?? value;
}
