import type { CertificateRow } from "../certify/row.ts";
import { parseNpz } from "../data/npz.ts";
import type { StoredEvaluation } from "../evaluate/evaluation.ts";
import type { Row } from "../evaluate/row.ts";
import { summarize } from "../evaluate/summary.ts";
import type { WorkLease } from "../files/lease/lease.ts";
import type { Storage } from "../files/storage/storage.ts";
import { version } from "../files/version.ts";
import type { OnNote } from "../math/note.ts";
import type { InputRuntime } from "../models/network-input.ts";
import { evaluationsOf } from "../report/evaluations.ts";
import { counted } from "../report/format.ts";
import { page } from "../report/page.ts";
import { readImages } from "../report/read-images.ts";
import { rowsInMemory } from "../report/read-rows.ts";
import type { ProofRow } from "../verify/proof-row.ts";
import { imageFiles } from "./example-images.ts";
import { summaryOf } from "./formats/summary-schema.ts";
import { type FormatName, resultFormats } from "./formats/table.ts";
import type { AuditedModel } from "./open-audited.ts";
import type { AuditResult } from "./result.ts";
import { inputFiles } from "./saved-inputs.ts";
import { auditSections } from "./sections/audit-sections.ts";
import type { RadiusRow } from "./smallest/radius-row.ts";

/** Options for writing the first test images. */
export interface WrittenInputs {
  readonly runtime: InputRuntime;
  /** Number of test images, from the first one on. */
  readonly count: number;
  readonly note: OnNote;
}

/** Writes the first test images as the network sees them to the folder `inputs`. */
export async function writeInputs(
  out: Storage,
  { model, dataset }: AuditedModel,
  { runtime, count, note }: WrittenInputs,
): Promise<void> {
  const files = await inputFiles({ runtime, architecture: model.architecture, dataset, count });
  for (const [name, bytes] of files) await out.write(`inputs/${name}`, bytes);
  note({
    code: "saved-inputs",
    text: `wrote ${counted(files.size - 1, "image")} as the network sees them in ${out.pathOf("inputs")}`,
  });
}

/** A finished audit. */
export interface FinishedAudit {
  readonly result: AuditResult;
  /** The rows behind the result. */
  readonly rows: readonly Row[];
  /** The rows of the file `rowsName`, which may contain further rows, and the files beside it. */
  readonly stored: StoredEvaluation;
  readonly rowsName: string;
  /** Formats for other programs, beside summary.json and report.html. */
  readonly formats: readonly FormatName[];
  /** The command as typed; null from the library. */
  readonly command: string | null;
  readonly proofs: readonly ProofRow[];
  readonly certificates: readonly CertificateRow[];
  /** Searches for smallest radii. */
  readonly searched: readonly RadiusRow[];
}

/**
 * Writes summary.json, report.html and adversarial images beside the rows; returns their paths. Throws `UsageError` once
 * another process has taken the lease.
 */
export async function writeResults(
  out: Storage,
  finished: FinishedAudit,
  lease: WorkLease | null,
): Promise<string[]> {
  const { result, rows, stored, rowsName, proofs, certificates, searched } = finished;
  const written: string[] = [];
  const write = async (name: string, contents: string | Uint8Array): Promise<void> => {
    await lease?.check();
    await out.write(name, contents);
    written.push(out.pathOf(name));
  };
  await write("summary.json", `${JSON.stringify(summaryOf(result), null, 2)}\n`);
  const file = out.pathOf(rowsName);
  const { settings, examples } = stored;
  const memory = rowsInMemory(file, stored.rows);
  const source = { file, ...memory, settings, examples, proofs, certificates };
  // The audit is finished, so a data set with fewer images than --examples has no more of them.
  const evaluations = evaluationsOf([source], { summarize, parseNpz }).map((one) =>
    Object.assign({}, one, { notes: one.notes.filter(({ code }) => code !== "unfinished") }),
  );
  const start = {
    title: `Audit of ${result.model}`,
    sections: auditSections(result, evaluations[0], searched),
  };
  await write("report.html", page(evaluations, start));
  const { command, formats } = finished;
  for (const { file: name, render } of formats.map((one) => resultFormats.named(one)))
    await write(name, render(result, { version, command, finished: new Date() }));
  const sets = examples === null ? [] : readImages(parseNpz("images", examples));
  for (const [name, png] of imageFiles(sets, rows)) await write(`pictures/${name}`, png);
  return written;
}
