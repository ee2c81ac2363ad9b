// The rows that callers of the library give: a list, or the storage that holds them.
import { RADII } from "../audit/smallest/radius-row.ts";
import { besideRows } from "../files/rows/rows-file.ts";
import { type Storage, textIfThere } from "../files/storage/storage.ts";
import { UsageError } from "../math/usage-error.ts";
import { auditSummaryOf } from "../report/compared-results.ts";
import type { FileBeside, RowsFile } from "../report/evaluation.ts";
import { provenRows } from "../report/read-proofs.ts";
import { readRows, rowsInMemory } from "../report/read-rows.ts";
import type { RowsSource } from "./rows-source.ts";
import { ROWS } from "./values.ts";

async function textBeside(source: Storage, suffix: string): Promise<FileBeside> {
  const name = besideRows(ROWS, suffix);
  return { file: source.pathOf(name), text: await textIfThere(source, name) };
}

/** The searches of an audit that wrote to the storage; undefined if none did. */
async function searchesBeside(source: Storage): Promise<FileBeside | undefined> {
  const text = await textIfThere(source, RADII);
  if (text === null && auditSummaryOf(await textIfThere(source, "summary.json")) === null)
    return undefined;
  return { file: source.pathOf(RADII), text };
}

/** The rows of a source, with the settings and images beside them. `place` tells lists apart. */
export async function rowsFile(source: RowsSource, place: number): Promise<RowsFile> {
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
      ...provenRows(
        await textBeside(source, "proofs.jsonl"),
        await textBeside(source, "certificates.jsonl"),
      ),
      searches: await searchesBeside(source),
    };
  }
  const file = `rows ${place + 1}`;
  return { file, ...rowsInMemory(file, source), settings: null, examples: null };
}
