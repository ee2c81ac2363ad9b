// Checks of what the public wrappers of a victim are given by callers without types.
import type { Victim } from "../attacks/victim.ts";
import { UsageError } from "../math/usage-error.ts";

const has = (value: unknown, name: string): boolean =>
  typeof (value as Readonly<Record<string, unknown>> | null | undefined)?.[name] === "function";

/** Throws `UsageError` where `wrapper` is given no classifier. */
export function requireVictim(wrapper: string, model: unknown): asserts model is Victim {
  if (has(model, "logits") && has(model, "lossAndGradient")) return;
  throw new UsageError(
    `${wrapper} needs a classifier with logits and lossAndGradient, such as classifier() gives`,
    { code: "bad-option" },
  );
}

/** Throws `UsageError` where the noise is its name or anything else that draws nothing. */
export function requireNoise(wrapper: string, noise: unknown): void {
  if (has(noise, "sample")) return;
  const given = typeof noise === "string" ? `"${noise}"` : "something else";
  throw new UsageError(
    `${wrapper} needs a noise with a name and sample, and got ${given}; give noiseNamed("normal:0.25")`,
    { code: "bad-option" },
  );
}

/** Throws `UsageError` for what is no whole number above 0. */
export function requirePositive(what: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) > 0) return;
  throw new UsageError(`${what}, got ${String(value)}`, { code: "bad-option" });
}
