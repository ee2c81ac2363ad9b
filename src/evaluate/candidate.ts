import type { Tensor } from "../math/tensor.ts";

/** The adversarial examples [batch, ...pixels] of an attack with one objective. */
export interface Candidate {
  readonly objective: string;
  readonly adversarial: Tensor;
  /** Per-example override of `objective`, [batch]; null keeps it. */
  readonly members?: readonly (string | null)[] | undefined;
}
