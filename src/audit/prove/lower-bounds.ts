import type { CertificateRow } from "../../certify/row.ts";
import type { Scored } from "../../evaluate/evaluate.ts";
import type { Row } from "../../evaluate/row.ts";
import type { Spares } from "../../evaluate/spared.ts";
import type { ProofRow } from "../../verify/proof-row.ts";
import type { Contradiction } from "./contradiction.ts";

/** A proof or certificate that was written, and the progress of this part of the audit. */
export type ProveEvent =
  | {
      readonly event: "proof";
      readonly proof: ProofRow;
      readonly done: number;
      readonly total: number;
    }
  | {
      readonly event: "certificate";
      readonly certificate: CertificateRow;
      readonly done: number;
      readonly total: number;
    };

/** The proofs or certificates of an audit about the images that it attacks. */
export interface LowerBounds {
  readonly kind: "proof" | "certificate";
  /** The proofs before the attacks. */
  before(): AsyncGenerator<ProveEvent, void, void>;
  /** The attacks that skip an example. */
  readonly spares: Spares;
  /** Compares an attack's result with the proofs. */
  inspect(scored: Scored): Promise<void>;
  /** Whether the image of a stored row, which an earlier audit attacked, must be compared with the proofs. */
  needsImage(row: Row): boolean;
  /** Whether the certified classifier rounds its input to 8 bits, so that attacked classifiers must do the same. */
  readonly roundsImages: boolean;
  /** The decisions after all attacks have run, from all of their rows. */
  after(rows: readonly Row[]): AsyncGenerator<ProveEvent, void, void>;
  /** One row per image and ball, once `after` has ended. */
  readonly proofs: readonly ProofRow[];
  /** The certificates of a classifier under noise; empty for a deterministic classifier. */
  readonly certificates: readonly CertificateRow[];
  readonly contradictions: readonly Contradiction[];
  /** Points inside a certified radius that an attack counts as broken and fresh draws did not confirm. */
  readonly unconfirmed: number;
  close(): Promise<void>;
}
