import type { Comparison } from "./comparison.ts";
import { comparisonMarkdown } from "./comparison-text.ts";
import type { Evaluation } from "./evaluation.ts";
import { page } from "./page.ts";
import type { ComparisonFormat } from "./report-format.ts";
import { comparisonSection } from "./sections/comparison.ts";

/** The comparison as JSON has it: notes also as codes. */
export const comparisonRecord = (comparison: Comparison) =>
  Object.assign({}, comparison, {
    notes: comparison.notes.map(({ text }) => text),
    noteCodes: comparison.notes.map(({ code }) => code),
  });

/** The text of a comparison. `evaluations` are the two that were compared; HTML also shows their usual sections. */
export function comparisonReport(
  comparison: Comparison,
  evaluations: readonly Evaluation[],
  format: ComparisonFormat,
): string {
  if (format === "md") return comparisonMarkdown(comparison);
  if (format === "json") return `${JSON.stringify(comparisonRecord(comparison), null, 2)}\n`;
  return page(evaluations, {
    title: `${comparison.after.label} against ${comparison.before.label}`,
    sections: [["comparison", "Comparison", comparisonSection(comparison)]],
  });
}
