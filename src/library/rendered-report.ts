import { parseNpz } from "../data/npz.ts";
import { summarize } from "../evaluate/summary.ts";
import { besideRows } from "../files/rows/rows-file.ts";
import { textIfThere } from "../files/storage/storage.ts";
import { UsageError } from "../math/usage-error.ts";
import type { RowsFile } from "../report/evaluation.ts";
import { evaluationsOf } from "../report/evaluations.ts";
import { readRows, rowsInMemory } from "../report/read-rows.ts";
import { type Format, report } from "../report/report.ts";
import type { RowsSource } from "./report.ts";
import { ROWS } from "./values.ts";

/** The rows of a source, with the settings and images beside them. `place` tells lists apart. */
async function rowsFile(source: RowsSource, place: number): Promise<RowsFile> {
  if ("readIfThere" in source) {
    const file = source.pathOf(ROWS);
    const text = await textIfThere(source, ROWS);
    if (text === null)
      throw new UsageError(`${file}: there are no rows; evaluate with this storage as out`, {
        code: "not-found",
      });
    return {
      file,
      ...readRows(file, text),
      settings: await textIfThere(source, besideRows(ROWS, "settings.json")),
      examples: await source.readIfThere(besideRows(ROWS, "examples.npz")),
    };
  }
  const file = `rows ${place + 1}`;
  return { file, ...rowsInMemory(file, source), settings: null, examples: null };
}

/** The text of one report of these evaluations. */
export async function rendered(sources: readonly RowsSource[], format: Format): Promise<string> {
  const files = await Promise.all(sources.map(rowsFile));
  return report(evaluationsOf(files, { summarize, parseNpz }), format);
}
