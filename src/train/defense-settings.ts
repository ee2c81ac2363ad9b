import type { z } from "zod";
import type { DefenseOptions } from "../defenses/table.ts";
import { addedOptions, type ResolvedOptions } from "./options.ts";

/**
 * The options of the defence among those of a training run; null becomes undefined, for which the defence has a default.
 */
export function defenseSettings(options: ResolvedOptions): z.input<typeof DefenseOptions> {
  const settings: Record<string, unknown> = {
    epsilonLinf: options.epsilonLinf,
    epsilonL2: options.epsilonL2,
    epsilonL1: options.epsilonL1,
    steps: options.steps,
    stepSize: options.stepSize ?? undefined,
    noise: options.noise ?? undefined,
    matChoice: options.matChoice ?? undefined,
    ratNoise: options.ratNoise ?? undefined,
  };
  return Object.assign(settings, addedOptions(options));
}
