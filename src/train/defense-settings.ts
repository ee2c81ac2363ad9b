import type { z } from "zod";
import type { DefenseOptions } from "../defenses/table.ts";
import type { ResolvedOptions } from "./options.ts";

/**
 * The options of the defence among those of a training; null becomes undefined, for which the defence has a default.
 */
export const defenseSettings = (options: ResolvedOptions): z.input<typeof DefenseOptions> => ({
  epsilonLinf: options.epsilonLinf,
  epsilonL2: options.epsilonL2,
  steps: options.steps,
  stepSize: options.stepSize ?? undefined,
  noise: options.noise ?? undefined,
  matChoice: options.matChoice ?? undefined,
  ratNoise: options.ratNoise ?? undefined,
});
