import { type ProvenBall, provenBalls } from "../../report/proven-balls.ts";
import type { Contradiction } from "./contradiction.ts";
import type { LowerBounds } from "./lower-bounds.ts";

/** The summary of an audit's proofs or certificates. */
export interface ProofSummary {
  /** `proof`: of a deterministic network. `certificate`: of a classifier under noise, each wrong with a small probability. */
  readonly kind: "proof" | "certificate";
  /** By norm, each with its radii in ascending order. */
  readonly balls: readonly ProvenBall[];
  /** Images inside a certified radius that an attack counts as broken and fresh draws did not confirm. */
  readonly unconfirmed: number;
  /** Images that are proven or certified, but broken, which are bugs; normally empty. */
  readonly contradictions: readonly Contradiction[];
}

/** Whether an attack refutes a proof or a certificate. */
export const isContradicted = (proofs: ProofSummary | null): boolean =>
  proofs !== null && proofs.contradictions.length > 0;

/** The summary of finished proofs. */
export const proofSummary = ({
  kind,
  proofs,
  unconfirmed,
  contradictions,
}: LowerBounds): ProofSummary => ({
  kind,
  balls: provenBalls(proofs),
  unconfirmed,
  contradictions: [...contradictions],
});
