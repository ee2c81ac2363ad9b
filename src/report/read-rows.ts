import type { z } from "zod";
import type { Row } from "../evaluate/row.ts";
import {
  DamagedLine,
  type RowLines,
  readRowLines,
  rowLine,
  rowOfLine,
} from "../files/row-lines.ts";
import { RowSchema, rowProblem } from "../files/row-schema.ts";
import type { Note } from "../math/note.ts";
import { UsageError } from "../math/usage-error.ts";

const RowLine: z.ZodType<Row> = RowSchema;

const rowError = (what: string) =>
  new UsageError(what, {
    code: "bad-file",
    next: "delete that line and run the evaluation with --resume, or evaluate again",
  });

function wholeLines(file: string, contents: string): RowLines {
  try {
    return readRowLines(file, contents);
  } catch (error) {
    throw error instanceof DamagedLine ? rowError(error.message) : error;
  }
}

/** The row in a last line without a line end; undefined if that line is incomplete. */
function lastRow(torn: string): Row | undefined {
  try {
    return RowLine.safeParse(rowOfLine(torn).value).data;
  } catch {
    return undefined;
  }
}

/**
 * The rows of a ROWS.jsonl. An evaluation that is killed leaves an incomplete last line, which is skipped with a note.
 * Throws a `UsageError` that names any other line that is not a row.
 */
export function readRows(
  file: string,
  contents: string,
): { readonly rows: readonly Row[]; readonly notes: readonly Note[] } {
  const { rows: whole, torn } = wholeLines(file, contents);
  const rows = whole.map(({ line, value }): Row => {
    const row = RowLine.safeParse(value).data;
    if (row === undefined)
      throw rowError(`${file}:${line} is not a row of an evaluation: ${rowProblem(value)}`);
    return row;
  });
  const last = lastRow(torn);
  if (last !== undefined) rows.push(last);
  if (rows.length === 0)
    throw new UsageError(`${file} holds no rows; write some with rampart evaluate --out ${file}`, {
      code: "bad-file",
    });
  const cut = torn.trim() !== "" && last === undefined;
  return {
    rows,
    notes: cut
      ? [
          {
            code: "cut-line",
            text: `The last line of ${file} was cut off and is left out; finish it with --resume.`,
          },
        ]
      : [],
  };
}

/** The same as `readRows` of these rows in a file. Throws a `UsageError` for a value that is not a row. */
export const rowsInMemory = (file: string, rows: readonly Row[]): ReturnType<typeof readRows> =>
  readRows(file, rows.map(rowLine).join(""));
