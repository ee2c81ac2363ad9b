// Splits the attacks of an audit among processes.
import type { ComputedRows } from "../evaluate/evaluation.ts";
import type { ImageRange } from "../evaluate/image-range.ts";
import type { EvaluateOptions } from "../evaluate/options.ts";
import type { Row } from "../evaluate/row.ts";
import type { Spares } from "../evaluate/spared.ts";
import type { AuditedModel } from "./open-audited.ts";

/** The attacks of an audit, for other processes. */
export interface AttackedElsewhere {
  readonly audited: AuditedModel;
  /** The options of the attacks. */
  readonly evaluation: EvaluateOptions;
  readonly randomised: boolean;
  /** The attacks that skip an example because of a proof that they cannot break it. */
  readonly spares: Spares;
}

/** Attacks the images in other processes, except for stored rows. Yields ranges in order. */
export type AttackByOthers = (
  attacked: AttackedElsewhere,
  stored: readonly Row[],
) => AsyncGenerator<ComputedRows, void, void>;

/** The part of an audit that this process does; by default all of it. */
export interface AuditSharing {
  /** Attacks the images in other processes. */
  readonly attackElsewhere?: AttackByOthers | undefined;
  /** Only the attacks on these test images, in whole groups: rows are written, and there is no result. */
  readonly range?: ImageRange | undefined;
  /** Whether to compute only proofs for the test images of `range`: rows of proofs are written, and there is no result. */
  readonly proofsOnly?: boolean | undefined;
  /** The attacks that skip an example because of a proof by another process. */
  readonly spares?: Spares | undefined;
  /** Called with the opened model and images, before any computation; may throw to reject them. */
  readonly onOpened?: ((audited: AuditedModel) => Promise<void>) | undefined;
}
