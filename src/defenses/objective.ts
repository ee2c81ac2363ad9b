import type { Labels, Victim } from "../attacks/victim.ts";
import type { Key } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";

/** What a defence changes about training: which examples replace the clean batch. */
export interface Objective {
  /** For records, such as `at-linf`. */
  readonly name: string;
  /** x [batch, ...pixels] in [0, 1], labels and keys [batch] → examples to train on, of the shape of x. */
  examples(model: Victim, x: Tensor, labels: Labels, keys: readonly Key[]): Promise<Tensor>;
  /** Announces a call to come: `keys` [batch], `shape` [batch, ...pixels]. A hint that lets noise be drawn early. */
  prefetch?(keys: readonly Key[], shape: Shape): void;
}
