import type { Labels, Victim } from "../attacks/victim.ts";
import type { Key } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";

/** What a defence changes about training: the examples that stand in for the clean batch. */
export interface Objective {
  readonly name: string;
  examples(model: Victim, x: Tensor, labels: Labels, keys: readonly Key[]): Promise<Tensor>;
}
