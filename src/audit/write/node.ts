import { join } from "node:path";
import { parseNpz } from "../../data/npz.ts";
import type { Row } from "../../evaluate/row.ts";
import { summarize } from "../../evaluate/summary.ts";
import type { WorkLease } from "../../files/lease/node.ts";
import { writeWhole } from "../../files/node.ts";
import { readBytesIfThere } from "../../files/read/node.ts";
import { evaluationsOf } from "../../report/evaluations.ts";
import { readRowsFile } from "../../report/node.ts";
import { page } from "../../report/page.ts";
import { readImages } from "../../report/read-images.ts";
import { auditSections } from "../audit-sections.ts";
import { imageFiles } from "../example-images.ts";
import type { AuditResult } from "../result.ts";

/**
 * Writes summary.json, report.html and adversarial images beside the rows in the folder `out`; returns their paths. Throws
 * `UsageError` once another process has taken the lease.
 */
export async function writeResults(
  out: string,
  result: AuditResult,
  rows: readonly Row[],
  lease: WorkLease | null,
): Promise<string[]> {
  const written: string[] = [];
  const write = async (name: string, contents: string | Uint8Array): Promise<void> => {
    const file = join(out, name);
    await lease?.check();
    await writeWhole(file, contents);
    written.push(file);
  };
  await write("summary.json", `${JSON.stringify(result, null, 2)}\n`);
  const tools = { summarize, parseNpz };
  const evaluations = evaluationsOf([await readRowsFile(join(out, "rows.jsonl"))], tools);
  const start = { title: `Audit of ${result.model}`, sections: auditSections(result) };
  await write("report.html", page(evaluations, start));
  const bytes = await readBytesIfThere(join(out, "rows.examples.npz"));
  const sets = bytes === null ? [] : readImages(parseNpz("images", bytes));
  for (const [name, png] of imageFiles(sets, rows)) await write(join("pictures", name), png);
  return written;
}
