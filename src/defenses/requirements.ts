// Checks the arguments of public functions, for callers without types.
import type { Victim } from "../attacks/victim.ts";
import { UsageError } from "../math/usage-error.ts";

/** Whether the value has a method of this name. */
const hasMethod = (value: unknown, name: string): boolean =>
  typeof (value as Readonly<Record<string, unknown>> | null | undefined)?.[name] === "function";

/** Throws `UsageError` unless `model`, an argument of `wrapper`, has the methods of a classifier. */
export function requireVictim(wrapper: string, model: unknown): asserts model is Victim {
  if (hasMethod(model, "logits") && hasMethod(model, "lossAndGradient")) return;
  throw new UsageError(
    `${wrapper} needs a classifier with logits and lossAndGradient, such as the result of classifier()`,
    { code: "bad-option" },
  );
}

/** Throws `UsageError` unless `noise`, an argument of `wrapper`, can be sampled; a mere name cannot. */
export function requireNoise(wrapper: string, noise: unknown): void {
  if (hasMethod(noise, "sample")) return;
  const given = typeof noise === "string" ? `"${noise}"` : "something else";
  throw new UsageError(
    `${wrapper} needs a noise with a name and sample, and got ${given}; give noiseNamed("normal:0.25")`,
    { code: "bad-option" },
  );
}

/** Throws `UsageError`, whose message begins with `requirement`, unless `value` is a whole number above 0. */
export function requirePositive(requirement: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) > 0) return;
  throw new UsageError(`${requirement}, got ${String(value)}`, { code: "bad-option" });
}
