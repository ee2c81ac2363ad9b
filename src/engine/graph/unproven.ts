// Remembers which values of an imported file differ from what the file states in real arithmetic, so that proofs refuse them.
import type { Value } from "./value.ts";

const reasons = new WeakMap<Value, string>();

/** Records why nothing can be proven about a value, as a sentence that names the file's node. The first reason stays. */
export function refuseProofs(value: Value, reason: string): void {
  if (!reasons.has(value)) reasons.set(value, reason);
}

/** Why nothing can be proven about a value; undefined if nothing is known against it. */
export const refusalOf = (value: Value): string | undefined => reasons.get(value);
