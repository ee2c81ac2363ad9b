import { readFile } from "node:fs/promises";
import { orMissing, writeWhole } from "../files/node.ts";
import { UsageError } from "../math/usage-error.ts";
import type { RowsFile } from "./evaluation.ts";
import { readRows } from "./read-rows.ts";

const beside = (rows: string, what: string): string => `${rows.replace(/\.jsonl$/, "")}.${what}`;

/** A ROWS.jsonl with the settings and pictures beside it, as far as they are there. */
export async function readRowsFile(file: string): Promise<RowsFile> {
  const contents = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === "ENOENT" ? "there is no such file" : error.message;
    throw new UsageError(
      `cannot read ${file}: ${reason}; a report is made of the rows that rampart evaluate --out writes`,
    );
  });
  return {
    file,
    ...readRows(file, contents),
    settings: await orMissing(readFile(beside(file, "settings.json"), "utf8"), null),
    examples: await orMissing(readFile(beside(file, "examples.npz")), null),
  };
}

/** Writes a report whole or not at all. */
export const writeReport = (out: string, text: string): Promise<void> => writeWhole(out, text);
