import type { Evaluation } from "./evaluation.ts";
import { markdown } from "./markdown.ts";
import { page } from "./page.ts";
import { csv, records } from "./records.ts";
import type { Format } from "./report-format.ts";

export { type Format, formats } from "./report-format.ts";

const writers: Readonly<Record<Format, (evaluations: readonly Evaluation[]) => string>> = {
  html: page,
  md: markdown,
  csv,
  json: (evaluations) =>
    `${JSON.stringify(
      {
        accuracies: records(evaluations),
        evaluations: evaluations.map(({ label, file, summary, settings, notes }) => ({
          label,
          file,
          summary,
          settings,
          notes: notes.map(({ text }) => text),
          noteCodes: notes.map(({ code }) => code),
        })),
      },
      null,
      2,
    )}\n`,
};

/** The text of a report of at least one evaluation. */
export const report = (evaluations: readonly Evaluation[], format: Format): string =>
  writers[format](evaluations);
