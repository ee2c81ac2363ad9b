import type { z } from "zod";
import type { DefenseOptions } from "../defenses/table.ts";
import { addedOptions, type ResolvedOptions } from "./options.ts";

/**
 * The options of the defence among those of a training run; null becomes undefined, for which the defence has a default. Radii
 * are multiplied by `scale`.
 */
export function defenseSettings(
  options: ResolvedOptions,
  scale = 1,
): z.input<typeof DefenseOptions> {
  const { stepSize } = options;
  const settings: Record<string, unknown> = {
    epsilonLinf: scale * options.epsilonLinf,
    epsilonL2: scale * options.epsilonL2,
    epsilonL1: scale * options.epsilonL1,
    steps: options.steps,
    stepSize: typeof stepSize === "number" ? scale * stepSize : undefined,
    noise: options.noise ?? undefined,
    matChoice: options.matChoice ?? undefined,
    ratNoise: options.ratNoise ?? undefined,
  };
  return Object.assign(settings, addedOptions(options));
}
