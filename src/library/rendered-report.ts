import { reportTools } from "../audit/report-tools.ts";
import { evaluationsOf } from "../report/evaluations.ts";
import { type Format, report } from "../report/report.ts";
import { rowsFile } from "./read-source.ts";
import type { RowsSource } from "./rows-source.ts";

/** The text of one report of these evaluations. */
export async function rendered(sources: readonly RowsSource[], format: Format): Promise<string> {
  const files = await Promise.all(sources.map(rowsFile));
  return report(evaluationsOf(files, reportTools), format);
}
