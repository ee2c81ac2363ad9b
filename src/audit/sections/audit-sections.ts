import type { Evaluation } from "../../report/evaluation.ts";
import type { Section } from "../../report/page.ts";
import type { AuditResult } from "../result.ts";
import type { RadiusRow } from "../smallest/radius-row.ts";
import { attacksSection } from "./attacks.ts";
import { checksSection } from "./checks.ts";
import { classesSection } from "./classes.ts";
import { curvesSection } from "./curves.ts";
import { radiiSection } from "./radii.ts";
import { verdictSection } from "./verdict.ts";

/**
 * The first sections of an audit's report. `evaluation` holds the rows, settings and proofs behind the result, `searched` the
 * searches for smallest radii.
 */
export const auditSections = (
  result: AuditResult,
  evaluation?: Evaluation,
  searched: readonly RadiusRow[] = [],
): Section[] => [
  ["audit", "Verdict", verdictSection(result, evaluation)],
  ["diagnostics", "How far to trust it", checksSection(result)],
  ["attacks", "What breaks first", attacksSection(result)],
  ["curves", "Against ε", curvesSection(result)],
  ["radii", "Smallest radius", radiiSection(result, evaluation, searched)],
  ["classes", "Classes", classesSection(result)],
];
