import { auditModel } from "../../audit/audit.ts";
import type { AuditedModel } from "../../audit/open-audited.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { CellWork } from "../cell.ts";
import { fileOf, PartOptions, sparedName } from "../parts/options.ts";
import { imagesChecksum, modelChecksum } from "../parts/part-checksum.ts";
import type { CellContext, CellResult } from "./context.ts";
import { IMAGES, ROWS } from "./evaluate.ts";
import { requireData } from "./model.ts";
import { ownedStorage, RUN_FOLDER } from "./owned-storage.ts";
import { untimedRows } from "./untimed.ts";

/** Runs the attacks of an audit on a range of test images: rows and images. */
export async function runAttacksOfAudit(work: CellWork, context: CellContext): Promise<CellResult> {
  const { files, host, runtime, signal, note, noiseNamed, progress } = context;
  const { audit, reading, data, saveExamples, spared } = PartOptions.parse(work.options);
  const range = work.range ?? { from: 0, to: audit.examples };
  const { file, sha256 } = fileOf(work);
  const run = ownedStorage(files, RUN_FOLDER);
  const names = new Set(spared);
  const requireSame = async (audited: AuditedModel): Promise<void> => {
    if ((await modelChecksum(audited, host)) !== sha256)
      throw new UsageError(`${file} on this machine differs from the model of the audit`, {
        code: "misfit",
        next: "copy the file from the machine where the audit was started",
      });
    requireData(work, await imagesChecksum(audited, range, host));
  };
  const request = {
    ...reading,
    source: context.auditSource(file),
    runtime,
    data: data ?? undefined,
    resume: true,
    saveExamples,
    host,
    out: run,
    noiseNamed,
    signal,
    note,
  };
  const events = auditModel(audit, request, {
    range,
    spares: (row) => names.has(sparedName(row)),
    onOpened: requireSame,
  });
  let left = 1;
  for await (const event of events) {
    if (event.event !== "row") continue;
    left = event.total - event.done;
    progress(event.done, event.total);
  }
  if (left > 0) return null;
  const rows = untimedRows(ROWS, await run.read(ROWS));
  const result = new Map([[ROWS, rows.bytes]]);
  const images = await run.readIfThere(IMAGES);
  if (images !== null) result.set(IMAGES, images);
  return { files: result, removed: { [ROWS]: rows.seconds } };
}
