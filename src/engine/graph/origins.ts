// Remembers which node of an imported file a value came from, so that messages can name it.
import type { Value } from "./value.ts";

const origins = new WeakMap<Value, string>();

/**
 * Records that the file's node `origin` produced the values `made`, and all values between them and its inputs `from`. The
 * first origin of a value stays.
 */
export function nameOrigin(
  made: readonly (Value | undefined)[],
  from: readonly (Value | undefined)[],
  origin: string,
): void {
  const inputs = new Set(from);
  const stack = made.filter((value) => value !== undefined);
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (origins.has(value) || inputs.has(value) || value.inputs.length === 0) continue;
    origins.set(value, origin);
    stack.push(...value.inputs);
  }
}

/** The file's node that a value came from; undefined for a value that was not imported. */
export const originOf = (value: Value): string | undefined => origins.get(value);
