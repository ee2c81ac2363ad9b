// The requirement of --require as text.
import { percent, percentsApart } from "../../report/format.ts";
import { contradictionText } from "../prove/contradiction.ts";
import type { AuditResult } from "../result.ts";

/** The name of the test for --require, among the codes of the checks. */
export const GATE = "robust-accuracy";
/** The name of the test that passes if no attack contradicts a proof. */
export const CONTRADICTIONS = "contradicted-proof";

/** The name of the test that every diagnostic ran. */
export const NOT_RUN = "not-run";

/** Why the requirement is not met; null if it is, or if there is none. */
export function gateFailure({ required, passed, valid, union }: AuditResult): string | null {
  if (required === null || passed === true) return null;
  if (!valid) return `${percent(required)} are required, and the result is invalid`;
  const [reached, wanted] = percentsApart(union.mean, required);
  return `${reached} of the images are right under attack, and ${wanted} are required`;
}

/** One sentence per proof that an attack contradicts, without its full stop. */
export const contradictionTexts = ({ proofs }: AuditResult): readonly string[] =>
  proofs === null ? [] : proofs.contradictions.map((one) => contradictionText(one, proofs.kind));

/** Why an audit is invalid, as lines `invalid: CODE: text`; empty for a valid one. Formats then state no accuracies. */
export const invalidReasons = (result: AuditResult): readonly string[] => [
  ...contradictionTexts(result).map((text) => `invalid: ${CONTRADICTIONS}: ${text}`),
  ...result.diagnostics
    .filter(({ severity }) => severity === "invalid")
    .map(({ code, text }) => `invalid: ${code}: ${text}`),
];

/** All that a reader of the accuracies must know: why the audit is invalid, and then its warnings and notes. */
export const limitationsOf = (result: AuditResult): readonly string[] => [
  ...invalidReasons(result),
  ...result.diagnostics
    .filter(({ severity }) => severity !== "invalid")
    .map(({ code, severity, text }) => `${severity}: ${code}: ${text}`),
];
