// What the values of a graph were made for, so that a message can name the node of the file behind one.
import type { Value } from "./value.ts";

const origins = new WeakMap<Value, string>();

/** Remembers that `made`, and what leads to them from `from`, came from the node that `origin` describes; the first word counts. */
export function nameOrigin(
  made: readonly (Value | undefined)[],
  from: readonly (Value | undefined)[],
  origin: string,
): void {
  const given = new Set(from);
  const stack = made.filter((value) => value !== undefined);
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (origins.has(value) || given.has(value) || value.inputs.length === 0) continue;
    origins.set(value, origin);
    stack.push(...value.inputs);
  }
}

/** The node that a value came from; undefined for one of a network that is no file. */
export const originOf = (value: Value): string | undefined => origins.get(value);
