import { otherKind } from "../files/kind.ts";
import { writeWhole } from "../files/node.ts";
import { MAX_ROWS, readBytesIfThere, readTextIfThere } from "../files/read/node.ts";
import { UsageError } from "../math/usage-error.ts";
import type { RowsFile } from "./evaluation.ts";
import { readRows } from "./read-rows.ts";

const beside = (rows: string, what: string): string => `${rows.replace(/\.jsonl$/, "")}.${what}`;

/** A ROWS.jsonl with the settings and pictures beside it, as far as they are there. */
export async function readRowsFile(file: string): Promise<RowsFile> {
  const bytes = await readBytesIfThere(file, MAX_ROWS);
  if (bytes === null)
    throw new UsageError(
      `cannot read ${file}: there is no such file; a report is made of the rows that rampart evaluate --out writes`,
    );
  const other = otherKind(file, bytes, "a file of rows", ["json", "text", "empty"]);
  if (other !== undefined) throw new UsageError(other, { code: "bad-file" });
  return {
    file,
    ...readRows(file, bytes.toString("utf8")),
    settings: await readTextIfThere(beside(file, "settings.json")),
    examples: await readBytesIfThere(beside(file, "examples.npz")),
  };
}

/** Writes a report whole or not at all. */
export const writeReport = (out: string, text: string): Promise<void> => writeWhole(out, text);
