import type { Evaluation } from "./evaluation.ts";
import { markdown } from "./markdown.ts";
import { page } from "./page.ts";
import { certifiedNorms, certifiedRadii, provenBalls } from "./proven-balls.ts";
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
        evaluations: evaluations.map(
          ({ label, file, summary, settings, notes, proofs = [], certificates = [] }) => ({
            label,
            file,
            summary,
            settings,
            proven: proofs.length === 0 ? null : provenBalls(proofs),
            certified:
              certificates.length === 0
                ? null
                : certifiedNorms.map((norm) => ({
                    norm,
                    radii: certifiedRadii(certificates, norm),
                  })),
            notes: notes.map(({ text }) => text),
            noteCodes: notes.map(({ code }) => code),
          }),
        ),
      },
      null,
      2,
    )}\n`,
};

/** The text of a report of at least one evaluation. */
export const report = (evaluations: readonly Evaluation[], format: Format): string =>
  writers[format](evaluations);
