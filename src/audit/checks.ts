// All checks of an audit with their outcomes, including those that found nothing.
import { hasBlackBox } from "./attack-diagnostics.ts";
import type { Diagnostic, DiagnosticCode, Facts } from "./diagnostic.ts";

/**
 * The outcome of a check. It found nothing (`passed`), or it fired with a severity (`invalid`, `warning`, `note`). `not run`:
 * the check failed, or had nothing to measure. `not applicable`: this audit has no such part. `explained`: another check
 * explains the finding.
 */
export type CheckOutcome =
  | "passed"
  | "invalid"
  | "warning"
  | "note"
  | "not run"
  | "not applicable"
  | "explained";

/** One check of an audit. */
export interface Check {
  readonly code: DiagnosticCode;
  /** The statement that holds if the check passes. */
  readonly claim: string;
  readonly outcome: CheckOutcome;
}

/** Why the check did not run; undefined if it ran. */
type Unanswered = (
  facts: Facts,
  fired: ReadonlySet<DiagnosticCode>,
) => Extract<CheckOutcome, "not run" | "not applicable" | "explained"> | undefined;

interface CheckKind {
  readonly claim: string;
  readonly unanswered?: Unanswered;
}

const unprobed: Unanswered = ({ probe }) => (probe.examples === 0 ? "not run" : undefined);

const unprobedNorms: Unanswered = ({ probe }) =>
  probe.norms.some(({ cleanCorrect }) => cleanCorrect > 0) ? undefined : "not run";

const explainedBy =
  (...causes: readonly DiagnosticCode[]): Unanswered =>
  (_, fired) =>
    causes.some((cause) => fired.has(cause)) ? "explained" : undefined;

/** The names of diagnostics in the record of failures. */
export const PROBE = "the probe of gradients and attacks";
export const SATURATION = "the comparison of saturation";
export const DECISIONS = "the comparison of decisions";
export const PREPROCESSINGS = "the comparison of preprocessings";
export const SEARCH = "the search for smallest radii";

const hasFailed = (what: string, { failures = [] }: Facts): boolean =>
  failures.some((failure) => failure.what === what);

/** A comparison that failed did not run; one without a result had nothing to compare. */
function uncompared(what: string, facts: Facts, found: unknown): ReturnType<Unanswered> {
  if (hasFailed(what, facts)) return "not run";
  return found === null || found === undefined ? "not applicable" : undefined;
}

/**
 * There is nothing to transfer without a copy of the network or, under noise, a second objective. The probe attacks a copy where
 * gradients are zero.
 */
function untransferred(facts: Facts): ReturnType<Unanswered> {
  const { probe, rows, notes } = facts;
  const objectives = rows.filter(({ draws }) => draws > 1).map(({ objective }) => objective);
  if (probe.transfer !== null || new Set(objectives).size >= 2) return undefined;
  const isCopied = notes.some(({ code }) => code === "zero-gradient");
  return isCopied && hasFailed(PROBE, facts) ? "not run" : "not applicable";
}

/** Two measurements decide on saturation: the probe's, and a comparison of preprocessings. */
const unsaturated: Unanswered = (facts, fired) =>
  hasFailed(SATURATION, facts) ? "not run" : unprobed(facts, fired);

/** The checks in the order of the report. `not-run` is left out: its findings are the outcome `not run`. */
const kinds: Readonly<Record<Exclude<DiagnosticCode, "not-run">, CheckKind>> = {
  "other-preprocessing": {
    claim: "No usual preprocessing fits better than the declared one",
    // A file that Rampart wrote states its preprocessing, so nothing is compared.
    unanswered: (facts, fired) =>
      uncompared(PREPROCESSINGS, facts, facts.preprocessings) ??
      explainedBy("permuted-classes")(facts, fired),
  },
  "permuted-classes": {
    claim: "No other order of the classes fits better",
    unanswered: explainedBy("other-preprocessing"),
  },
  "constant-predictor": { claim: "Scores depend on the image", unanswered: unprobed },
  "one-class": {
    claim: "More than one class is predicted",
    unanswered: explainedBy("constant-predictor"),
  },
  chance: {
    claim: "Clean accuracy is better than guessing",
    unanswered: explainedBy("constant-predictor", "other-preprocessing", "permuted-classes"),
  },
  "other-decision": {
    claim: "The attacked scores decide as the file's own output does",
    // Decisions are compared only if operators were removed from the end of the file.
    unanswered: (facts) => uncompared(DECISIONS, facts, facts.decisions),
  },
  "batch-dependent": { claim: "An image's scores do not depend on the images beside it" },
  "trained-on": { claim: "Nothing says that test images were used for training" },
  "non-finite-gradients": { claim: "All scores and gradients are finite" },
  "zero-gradients": { claim: "Gradients are not zero", unanswered: unprobed },
  "huge-epsilon": {
    claim: "Attacks succeed at a radius at which they must",
    unanswered: ({ probe }) => (probe.huge.cleanCorrect === 0 ? "not run" : undefined),
  },
  "black-box-wins": {
    claim: "Attacks with gradients break what an attack without them breaks",
    unanswered: ({ rows }) => (rows.some(hasBlackBox) ? undefined : "not applicable"),
  },
  "search-wins": {
    claim: "No search and no attack in another ball breaks what the attacks in a ball left right",
    unanswered: (facts) =>
      facts.isUnsearched === true
        ? "not run"
        : uncompared(SEARCH, facts, facts.rows.every(({ draws }) => draws > 1) ? null : facts.rows),
  },
  "transfer-wins": {
    claim: "Examples made for another network are not stronger",
    unanswered: untransferred,
  },
  "noise-breaks": { claim: "An attack breaks more than random noise", unanswered: unprobedNorms },
  "more-steps-help": {
    claim: "More steps of an attack do not break fewer images",
    unanswered: unprobedNorms,
  },
  "randomised-without-eot": {
    claim: "All randomness of the model is attacked through EOT",
    unanswered: unprobed,
  },
  "saturated-softmax": { claim: "Cross-entropy does not vanish", unanswered: unsaturated },
  "straight-through": { claim: "All gradients are exact" },
  "lost-by-rounding": { claim: "Adversarial examples survive rounding to 8 bits" },
};

/** All checks, in the order of the report. `diagnostics` are those that fired. */
export function checksOf(facts: Facts, diagnostics: readonly Diagnostic[]): Check[] {
  const severities = new Map(diagnostics.map(({ code, severity }) => [code, severity]));
  const fired = new Set(severities.keys());
  return Object.entries(kinds).map(([name, { claim, unanswered }]) => {
    const code = name as DiagnosticCode;
    const outcome = severities.get(code) ?? unanswered?.(facts, fired) ?? "passed";
    return { code, claim, outcome };
  });
}
