import { auditModel } from "../../audit/audit.ts";
import { AuditOptions, ProofOptions } from "../../audit/options.ts";
import { PROOFS } from "../../audit/prove/network-proofs.ts";
import { EVERY_IMAGE } from "../../evaluate/image-range.ts";
import { besideRows } from "../../files/rows/rows-file.ts";
import type { CellWork } from "../cell.ts";
import { requestOf } from "./audit.ts";
import type { CellContext, CellResult } from "./context.ts";
import { ROWS, SETTINGS } from "./evaluate.ts";
import { ownedStorage, RUN_FOLDER } from "./owned-storage.ts";
import { untimedRows } from "./untimed.ts";

/** Computes proofs for a range of test images, without attacks: rows of proofs and their settings. */
export async function runProofs(work: CellWork, context: CellContext): Promise<CellResult> {
  const { data: _, ...given } = work.options;
  const options = AuditOptions.parse({ ...ProofOptions.parse(given), prove: true });
  const range = work.range ?? EVERY_IMAGE;
  const request = requestOf(work, context, () => range);
  let left = 1;
  // Rows record their time here, so that the seconds can move to the side file.
  for await (const event of auditModel(
    options,
    { ...request, timed: true },
    { range, proofsOnly: true },
  )) {
    if (event.event !== "proof") continue;
    left = event.total - event.done;
    context.progress(event.done, event.total);
  }
  if (left > 0) return null;
  const run = ownedStorage(context.files, RUN_FOLDER);
  const rows = untimedRows(ROWS, await run.read(PROOFS));
  const result = new Map([
    [ROWS, rows.bytes],
    [SETTINGS, await run.read(besideRows(PROOFS, "settings.json"))],
  ]);
  return { files: result, removed: { [ROWS]: rows.seconds } };
}
