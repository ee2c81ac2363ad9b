// Signs that a file answers the same whatever it is shown.

import type { Row } from "../evaluate/row.ts";
import { type Decisions, describeDecisions } from "../models/decisions.ts";
import type { Diagnostic, Facts } from "./diagnostics.ts";

/** One row per example, which says what was predicted of the clean image. */
export const cleanOf = (rows: readonly Row[]): Row[] => [
  ...new Map(rows.map((row) => [row.index, row])).values(),
];

/** Logits that no image changes. */
export function constantPredictor({ probe }: Pick<Facts, "probe">): Diagnostic | null {
  if (!probe.constant) return null;
  return {
    code: "constant-predictor",
    severity: "invalid",
    text: `the logits are the same for all ${probe.examples} images that were probed, so the file answers without looking at them`,
    advice:
      "choose the scores by --output (a softmax over a single unit always answers 1), and check --scale, --mean and --std",
  };
}

/** Images of several labels from which one predicted class is a sign. */
const ONE_CLASS = 20;

/** One predicted class, whatever the label. */
export function oneClass({ rows }: Pick<Facts, "rows">): Diagnostic | null {
  const clean = cleanOf(rows);
  const labels = new Set(clean.map(({ label }) => label));
  const predictions = new Set(clean.map(({ prediction }) => prediction));
  if (clean.length < ONE_CLASS || labels.size < 2 || predictions.size > 1) return null;
  return {
    code: "one-class",
    severity: "warning",
    text: `class ${[...predictions][0]} is predicted for all of ${clean.length} images of ${labels.size} classes`,
    advice:
      "check the preprocessing and where the output decides (--output); accuracy under attack is the share of that class",
  };
}

/** Images for which the file answers another class than the scores that attacks see. */
export function otherDecision(decisions: Decisions | null): Diagnostic | null {
  const text = decisions === null ? null : describeDecisions(decisions);
  if (decisions === null || text === null) return null;
  if (decisions.others.length > 0)
    return {
      code: "other-decision",
      severity: "invalid",
      text,
      advice:
        "please report this with the file; until then name the scores before its last operators by --output",
    };
  return {
    code: "other-decision",
    severity: "warning",
    text,
    advice:
      "export the file without the operators at its end, or name the scores before them by --output: these tell such classes apart",
  };
}
