import type { ProofSummary } from "./prove/proof-summary.ts";
import type { SmallestRadii } from "./smallest/smallest.ts";
import type { Convergence } from "./timed/convergence.ts";

/** The subject and the settings of an audit. */
export interface AuditedSetup {
  readonly sha256?: string | null | undefined;
  /** The files that hold the model's external data; none by default. */
  readonly externalData?: readonly string[] | undefined;
  readonly preprocessing: string;
  readonly head: readonly string[];
  readonly budget: string;
  /** Planned attacks in order. An attack without survivors to run on has no rows. */
  readonly attacks: readonly string[];
  readonly noise: string | null;
  readonly classNames: readonly string[];
  readonly required: number | null;
  /** The proofs; null without --prove. */
  readonly proofs?: ProofSummary | null | undefined;
  /** The smallest radii; null without a search. */
  readonly smallest?: readonly SmallestRadii[] | null | undefined;
  /** How far timed attacks have come; null without --minutes. */
  readonly convergence?: readonly Convergence[] | null | undefined;
}
