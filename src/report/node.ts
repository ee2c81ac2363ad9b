import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { otherKind } from "../files/kind.ts";
import { writeWhole } from "../files/node.ts";
import { readBytesIfThere, readTextIfThere } from "../files/read/node.ts";
import { readRowsBytes, readRowsText } from "../files/rows/node.ts";
import { UsageError } from "../math/usage-error.ts";
import { auditSummaryOf, type ResultFile } from "./compared-results.ts";
import type { FileBeside, RowsFile } from "./evaluation.ts";
import { provenRows } from "./read-proofs.ts";
import { readRows } from "./read-rows.ts";

/** The path of a file beside the rows: `rows.jsonl` and `settings.json` give `rows.settings.json`. */
const beside = (rows: string, suffix: string): string =>
  `${rows.replace(/\.jsonl(\.gz)?$/, "")}.${suffix}`;

async function textBeside(rows: string, suffix: string): Promise<FileBeside> {
  const file = beside(rows, suffix);
  return { file, text: await readTextIfThere(file) };
}

/** The error for a folder given instead of a file of rows. Suggests the folder's files, without the metrics of trainings. */
async function fileMeant(folder: string): Promise<UsageError> {
  const names = (await readdir(folder)).filter(
    (name) => /\.jsonl(\.gz)?$/.test(name) && !name.startsWith("metrics.jsonl"),
  );
  const files = names.sort().map((name) => join(folder, name));
  return new UsageError(
    files.length === 0
      ? `${folder} is a folder, and holds no .jsonl file of rows; rampart evaluate --out FILE.jsonl writes one`
      : `${folder} is a folder; give the file of rows in it: ${files.join(" ")}`,
    { code: "not-found" },
  );
}

/** Reads a ROWS.jsonl, and the settings and images beside it if they exist. Throws `UsageError`. */
export async function readRowsFile(file: string): Promise<RowsFile> {
  if (
    await stat(file).then(
      (found) => found.isDirectory(),
      () => false,
    )
  )
    throw await fileMeant(file);
  const bytes = await readRowsBytes(file);
  if (bytes === null)
    throw new UsageError(
      `cannot read ${file}: there is no such file; a report is made of the rows that rampart evaluate --out writes`,
      { code: "not-found" },
    );
  const other = otherKind(file, bytes, "a file of rows", ["json", "text", "empty"]);
  if (other !== undefined) throw new UsageError(other, { code: "bad-file" });
  return {
    file,
    ...readRows(file, bytes.toString("utf8")),
    settings: await readTextIfThere(beside(file, "settings.json")),
    examples: await readBytesIfThere(beside(file, "examples.npz")),
    ...provenRows(
      await textBeside(file, "proofs.jsonl"),
      await textBeside(file, "certificates.jsonl"),
    ),
    searches: await searchesBeside(file),
  };
}

/** The searches of an audit whose rows these are; undefined for rows of anything else, and under another name. */
async function searchesBeside(rows: string): Promise<FileBeside | undefined> {
  if (!/^rows\.jsonl(\.gz)?$/.test(basename(rows))) return undefined;
  const file = join(dirname(rows), "radii.jsonl");
  const text = await readRowsText(file);
  if (text !== null) return { file, text };
  const summary = await readTextIfThere(join(dirname(rows), "summary.json"));
  return auditSummaryOf(summary) === null ? undefined : { file, text: null };
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

/**
 * Reads a result to compare: a ROWS.jsonl, the folder of an audit, or the summary.json in it. Throws `UsageError`.
 */
export async function readResultFile(path: string): Promise<ResultFile> {
  const folder = basename(path) === "summary.json" ? dirname(path) : path;
  const inFolder = join(folder, "rows.jsonl");
  const file = (await isFile(inFolder)) ? inFolder : path;
  const summary = join(dirname(file), "summary.json");
  // A summary describes only rows with the standard file name.
  const auditSummary = basename(file) === "rows.jsonl" ? await readTextIfThere(summary) : null;
  return Object.assign({}, await readRowsFile(file), { auditSummary });
}

/** Writes a report atomically. */
export const writeReport = (out: string, text: string): Promise<void> => writeWhole(out, text);
