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

/** What an audit proves about the images that it attacks. */
export interface LowerBounds {
  readonly kind: "proof" | "certificate";
  /** What is proven before the attacks. */
  before(): AsyncGenerator<ProveEvent, void, void>;
  /** The attacks that skip an example. */
  readonly spares: Spares;
  /** Compares an attack's result with what is proven. */
  inspect(scored: Scored): Promise<void>;
  /** Whether the image of a stored row, which an earlier audit attacked, must be compared with what is proven. */
  needsImage(row: Row): boolean;
  /** Whether the classifier that is certified rounds what it sees to 8 bits, and attacks must be on one that does. */
  readonly roundsImages: boolean;
  /** What is decided once all attacks have run, from the rows of all of them. */
  after(rows: readonly Row[]): AsyncGenerator<ProveEvent, void, void>;
  /** One row per image and ball, once `after` has ended. */
  readonly proofs: readonly ProofRow[];
  /** The certificates of a classifier under noise; none of a deterministic one. */
  readonly certificates: readonly CertificateRow[];
  readonly contradictions: readonly Contradiction[];
  /** Points inside a certified radius that an attack counts as broken and fresh draws did not confirm. */
  readonly unconfirmed: number;
  close(): Promise<void>;
}
