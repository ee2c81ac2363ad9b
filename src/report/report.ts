import type { Evaluation } from "./evaluation.ts";
import { markdown } from "./markdown.ts";
import { page } from "./page.ts";
import { csv, records } from "./records.ts";

/** The formats of a report. */
export const formats = ["html", "md", "csv", "json"] as const;
export type Format = (typeof formats)[number];

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
