// The inputs and the results of diagnostics.
import type { Row } from "../evaluate/row.ts";
import type { Note } from "../math/note.ts";
import type { BatchDependence } from "../models/batch-dependence.ts";
import type { Decisions } from "../models/decisions.ts";
import type { PreprocessingComparison, SaturationComparison } from "./preprocessings.ts";
import type { Probe } from "./probe.ts";

/** Stable names of the diagnostics. `docs/diagnostics.md` explains each. */
export type DiagnosticCode =
  | "constant-predictor"
  | "one-class"
  | "other-decision"
  | "permuted-classes"
  | "other-preprocessing"
  | "chance"
  | "non-finite-gradients"
  | "zero-gradients"
  | "huge-epsilon"
  | "black-box-wins"
  | "search-wins"
  | "transfer-wins"
  | "saturated-softmax"
  | "lost-by-rounding"
  | "noise-breaks"
  | "straight-through"
  | "randomised-without-eot"
  | "more-steps-help"
  | "batch-dependent"
  | "trained-on"
  | "not-run";

/**
 * A reason to doubt an audit's numbers. `invalid`: they are meaningless. `warning`: robustness is probably overestimated.
 * `note`: a remark without effect on the verdict.
 */
export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: "invalid" | "warning" | "note";
  /** The observation, with its numbers. */
  readonly text: string;
  /** What the user can do about it. */
  readonly advice: string;
}

/** A diagnostic as lines for a terminal; no lines if it did not fire. */
export const linesOf = (found: Diagnostic | null): string[] =>
  found === null ? [] : [`${found.severity}: ${found.text}`, `  ${found.advice}`];

/** A diagnostic that failed after the attacks. */
export interface NotRun {
  /** The diagnostic, as a noun: `the probe of gradients and attacks`. */
  readonly what: string;
  readonly reason: string;
  /** Whether the user can fix it; otherwise it is a bug in Rampart. */
  readonly fixable: boolean;
}

/** The measurements of an audit after its attacks. */
export interface Facts {
  readonly rows: readonly Row[];
  readonly probe: Probe;
  /** The best common preprocessing compared with the declared one; null without a comparison. */
  readonly preprocessings: PreprocessingComparison | null;
  /** Logits that are far apart on nearly all images; absent or null if they are not. */
  readonly saturation?: SaturationComparison | null;
  /** Number of the classifier's outputs. */
  readonly classes: number;
  /** Names of the outputs; absent if they have none. */
  readonly classNames?: readonly string[];
  /** The importer's notes on the file. */
  readonly notes: readonly Note[];
  /** How scores depend on the batch; absent or null if they do not. */
  readonly batch?: BatchDependence | null;
  /** Why the model may have been trained on test images; absent or null if it was not. */
  readonly trainedOnWarning?: string | null;
  /** Compares the decisions of the file and of the scores before its output; absent or null if no operator was removed. */
  readonly decisions?: Decisions | null;
  /** Whether the time of --minutes ended before the search for smallest radii had an image; absent if it did not. */
  readonly isUnsearched?: boolean;
  /** Diagnostics that failed; their findings are missing. */
  readonly failures?: readonly NotRun[];
}
