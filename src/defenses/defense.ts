import type { BoundedAttack } from "../attacks/victim.ts";
import type { PluginDefinition } from "../math/plugin.ts";
import type { Noise } from "../noise/noise.ts";
import type { LossObjective, Objective } from "./objective.ts";

/** How a classifier is trained, and the noise that it adds to its inputs afterwards. */
export interface Defense {
  /** The name on the command line, such as `rat-linf-uniform`. */
  readonly name: string;
  readonly objective: Objective | LossObjective;
  /** Noise at inference, the same as in training, for pixels in [0, 1]; null for a deterministic classifier. */
  readonly noise: Noise | null;
  /** The attacks inside training: several for mixed training, none for standard training and noise injection. */
  readonly attacks: readonly BoundedAttack[];
  /** Gradients before each step of the optimiser, per example, if `attacks` or the option `steps` do not say so. For estimates. */
  readonly gradients?: number | undefined;
  /** The resolved options, for the record; a run resumes only with the same ones. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** The definition that made it, for messages; absent for a value written by hand. */
  readonly definition?: PluginDefinition;
}
