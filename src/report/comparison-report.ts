import type { Comparison } from "./comparison.ts";
import { comparisonMarkdown } from "./comparison-text.ts";
import { titleOf } from "./comparison-words.ts";
import type { Evaluation } from "./evaluation.ts";
import { page } from "./page.ts";
import type { ComparisonFormat } from "./report-format.ts";
import { comparisonSection } from "./sections/comparison.ts";

/** The comparison for JSON: notes with their codes. */
export const comparisonRecord = (comparison: Comparison) =>
  Object.assign({}, comparison, {
    notes: comparison.notes.map(({ text }) => text),
    noteCodes: comparison.notes.map(({ code }) => code),
  });

/**
 * The text of a comparison. `evaluations` are the two compared ones; HTML also shows their usual sections. `title` is the
 * title of the page; by default it consists of both labels.
 */
export function comparisonReport(
  comparison: Comparison,
  evaluations: readonly Evaluation[],
  format: ComparisonFormat,
  title = titleOf(comparison),
): string {
  if (format === "md") return comparisonMarkdown(comparison);
  if (format === "json") return `${JSON.stringify(comparisonRecord(comparison), null, 2)}\n`;
  return page(evaluations, {
    title,
    sections: [["comparison", "Comparison", comparisonSection(comparison, title)]],
  });
}
