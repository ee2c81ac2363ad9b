import { auditModel } from "../../audit/audit.ts";
import type { AuditRequest, AuditSource } from "../../audit/audit-request.ts";
import { AuditOptions } from "../../audit/options.ts";
import type { Split } from "../../data/dataset.ts";
import type { ImageRange } from "../../evaluate/image-range.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { CellWork } from "../cell.ts";
import type { CellContext, CellResult } from "./context.ts";
import {
  checksumOf,
  readingOf,
  requireData,
  testedPart,
  trainedFileOf,
  trainedName,
} from "./model.ts";
import { ownedStorage, RUN_FOLDER } from "./owned-storage.ts";

/** Files of an audit that its result keeps. */
const KEPT =
  /^(summary\.json|report\.html|radii\.jsonl|rows\.(examples\.npz|settings\.json|jsonl|(proofs|certificates)\.(settings\.json|jsonl)))$/;

/** The source of a cell's model, for an audit or for training a file. */
export function sourceOf({ model }: CellWork, context: CellContext): AuditSource {
  if (model === null) throw new UsageError("the cell names no model", { code: "bad-file" });
  const trained = "cell" in model ? context.cell(model.cell) : null;
  const path =
    trained === null ? String("file" in model && model.file) : `${trainedName(trained)}.onnx`;
  const name = path.split(/[\\/]/).at(-1) ?? path;
  return {
    path: name,
    onnx: async () => {
      if (trained !== null) return trainedFileOf(trained, context);
      return Object.assign({}, await context.readOnnx(String("file" in model && model.file)), {
        path: name,
      });
    },
    openOther: async () => {
      throw new UsageError(`${path} is not an .onnx file; export it first`, { code: "bad-file" });
    },
    readText: async () => null,
    isSameData: async (one, other) => one === other,
    openData: context.openData,
  };
}

/** The inputs of an audit in a cell: its model, the images of `range`, and its files. */
export function requestOf(
  work: CellWork,
  context: CellContext,
  range: (test: Split) => ImageRange,
): AuditRequest {
  const { files, host, runtime, startBounds, signal, note, noiseNamed } = context;
  // The report contains file names, and the folder differs between attempts.
  const names = { path: "audit", pathOf: (name: string) => name };
  const { model } = work;
  const trainedOn =
    model !== null && "cell" in model ? String(context.cell(model.cell).work.options.data) : "";
  const openData = async (name: string) => {
    const dataset = await context.openData(name);
    const { test } = testedPart(dataset, trainedOn);
    requireData(work, await checksumOf(dataset, test, range(test), host));
    return dataset;
  };
  return {
    ...readingOf(work, context),
    source: { ...sourceOf(work, context), openData },
    runtime,
    startBounds,
    data: work.options.data as string | undefined,
    resume: true,
    timed: false,
    host,
    out: Object.assign(ownedStorage(files, RUN_FOLDER), names),
    noiseNamed,
    signal,
    note,
  };
}

/** Runs a whole audit of a model: rows, `summary.json` and `report.html`. */
export async function runAudit(work: CellWork, context: CellContext): Promise<CellResult> {
  const { data: _, ...given } = work.options;
  const options = AuditOptions.parse(given);
  const request = requestOf(work, context, ({ size }) => ({
    from: 0,
    to: Math.min(options.examples, size),
  }));
  let finished = false;
  for await (const event of auditModel(options, request)) {
    if (event.event === "row") context.progress(event.done, event.total);
    if (event.event === "result") finished = true;
  }
  if (!finished) return null;
  const run = ownedStorage(context.files, RUN_FOLDER);
  const result = new Map<string, Uint8Array>();
  for (const name of (await run.list("")).filter((one) => KEPT.test(one)).sort())
    result.set(name, await run.read(name));
  return { files: result, removed: {} };
}
