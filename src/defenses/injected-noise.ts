import { z } from "zod";
import { UsageError } from "../math/usage-error.ts";
import type { Noise } from "../noise/noise.ts";
import { noiseNamed } from "../noise/table.ts";
import type { DefenseContext } from "./define-defense.ts";

/** The option that replaces the noise of a randomised defence. */
export const NoiseOption = z
  .string()
  .optional()
  .describe("noise of a randomised defence, for example normal:0.25");

/** Why a deterministic defence refuses a noise. */
export const refusesNoise = (value: unknown): string =>
  `injects no noise, got ${value}; leave it out, or use ni-*, mni-* or rat-*`;

/**
 * The noise of a defence, on the scale of pixels in [0, 1]: `text`, or by default the first of `kinds`. Throws `UsageError` for
 * a noise of another kind.
 */
export function injectedNoise(
  { name, noiseNamed: toNoise }: DefenseContext,
  kinds: readonly string[],
  text: string = kinds[0],
): Noise {
  const noise = toNoise(text);
  if (!kinds.some((kind) => noise.name.startsWith(`${kind}:`)))
    throw new UsageError(
      `${name} injects ${kinds.join(" or ")} noise, got ${text}; write ${noiseNamed(kinds[0]).name} with your numbers, or choose another defence`,
      { code: "misfit" },
    );
  return noise;
}
