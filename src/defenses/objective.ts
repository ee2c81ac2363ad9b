import type { Labels, Victim } from "../attacks/victim.ts";
import type { Key } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";

/** What a defence changes about training: the examples that stand in for the clean batch. */
export interface Objective {
  readonly name: string;
  examples(model: Victim, x: Tensor, labels: Labels, keys: readonly Key[]): Promise<Tensor>;
  /** Hears the keys of the examples to come, and the shape of their batch, so that their noise can be drawn already. */
  prefetch?(keys: readonly Key[], shape: Shape): void;
}
