// `rampart/node`: the library with files and onnxruntime-node. These functions are what the commands do.

import { auditNode, type NodeAudit } from "./audit/node.ts";
import { AuditOptions } from "./audit/options.ts";
import type { AuditResult } from "./audit/result.ts";
import { openDatasetNode } from "./data/node.ts";
import { parseNpz } from "./data/npz.ts";
import { withoutDependence } from "./evaluate/batch.ts";
import { evaluateNode, type NodeEvaluation } from "./evaluate/node.ts";
import { EvaluateOptions } from "./evaluate/options.ts";
import type { Row } from "./evaluate/row.ts";
import { summarize } from "./evaluate/summary.ts";
import { writeWhole } from "./files/node.ts";
import { classifier } from "./models/classifier.ts";
import { exportOnnx } from "./models/export.ts";
import { noiseNamedNode } from "./noise/node.ts";
import { evaluationsOf } from "./report/evaluations.ts";
import { readRowsFile, writeReport } from "./report/node.ts";
import { type Format, report as rendered } from "./report/report.ts";
import { nodeRuntime } from "./runtime/node.ts";
import type { TrainEvent } from "./train/events.ts";
import { type NodeTraining, openModelNode, trainNode } from "./train/node.ts";
import type { OpenModel } from "./train/open-model.ts";
import type { TrainOptions } from "./train/options.ts";

export * from "./index.ts";
export { nodeProgram, nodeRuntime } from "./runtime/node.ts";
export type {
  AuditOptions,
  AuditResult,
  EvaluateOptions,
  OpenModel,
  Row,
  TrainEvent,
  TrainOptions,
};
export { noiseNamedNode as noiseNamed, openDatasetNode as openDataset, openModelNode as openModel };

/** Trains in the run directory `out`, or goes on with it under `resume`, and opens the result. */
export async function train(
  options: TrainOptions & NodeTraining & { readonly onEvent?: (event: TrainEvent) => void },
): Promise<OpenModel> {
  const { out, resume, device, threads, dataDir, signal, checkpointSeconds, command, ...rest } =
    options;
  const { onEvent, ...training } = rest;
  const given = { resume, device, threads, dataDir, signal, checkpointSeconds, command };
  const where = Object.entries(given).filter(([, value]) => value !== undefined);
  for await (const event of trainNode(training, { out, ...Object.fromEntries(where) }))
    onEvent?.(event);
  return openModelNode(out);
}

/** Attacks a model's test images and returns the rows; with `out` they are also written, one line each. */
export async function evaluate(
  model: OpenModel | string,
  options: Partial<EvaluateOptions> &
    Omit<NodeEvaluation, "network" | "target"> & {
      readonly device?: string;
      readonly threads?: number;
    } = {},
): Promise<Row[]> {
  const { out, resume, saveExamples, data, dataDir, signal, command, note, ...more } = options;
  const { device, threads, ...rest } = more;
  const opened = typeof model === "string" ? await openModelNode(model) : model;
  const runtime = await nodeRuntime({
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
  });
  const parsed = EvaluateOptions.parse(rest);
  const dataset =
    opened.architecture.foreign === true && typeof data === "string"
      ? await openDatasetNode(data, dataDir === undefined ? {} : { dataDir })
      : data;
  const architecture =
    typeof dataset === "object"
      ? await withoutDependence(runtime, opened.architecture, dataset.test, {
          batch: parsed.batch,
          note: note ?? (() => undefined),
        })
      : opened.architecture;
  const network = classifier(runtime, architecture, opened.parameters);
  const given = { out, resume, saveExamples, data: dataset, dataDir, signal, command, note };
  const where = Object.entries(given).filter(([, value]) => value !== undefined);
  const rows: Row[] = [];
  try {
    for await (const { row } of evaluateNode(opened, parsed, {
      ...{ network, target: { ...runtime.target } },
      ...Object.fromEntries(where),
    }))
      rows.push(row);
  } finally {
    await network.release();
  }
  return rows;
}

/**
 * Audits a classifier: its accuracy under attack in each norm and in all of them, and signs that it cannot be trusted. With
 * `out` rows, summary.json, report.html and pictures are written; where `signal` aborts it throws the signal's reason.
 */
export async function audit(
  path: string,
  options: Partial<AuditOptions> &
    Omit<NodeAudit, "runtime"> & { readonly device?: string; readonly threads?: number } = {},
): Promise<AuditResult> {
  const own = Object.keys(AuditOptions.shape);
  const { device, threads, ...rest } = options;
  const runtime = await nodeRuntime({
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
  });
  const split = (mine: boolean) =>
    Object.fromEntries(Object.entries(rest).filter(([name]) => own.includes(name) === mine));
  for await (const event of auditNode(path, AuditOptions.parse(split(true)), {
    ...{ ...split(false), runtime },
  }))
    if (event.event === "result") return event.result;
  throw options.signal?.reason ?? new Error("internal: the audit ended without a result");
}

/** Writes a model's noise-free network as an .onnx file; its noise stands in the file's metadata. */
export async function exportModel(model: OpenModel | string, out: string): Promise<void> {
  const opened = typeof model === "string" ? await openModelNode(model) : model;
  await writeWhole(out, exportOnnx(opened.architecture, opened.parameters, opened));
}

/** Makes one report of the rows in these files, with the settings and pictures beside them. */
export async function report(
  rows: readonly string[],
  { out, format = "html" }: { readonly out: string; readonly format?: Format },
): Promise<void> {
  const files = await Promise.all(rows.map(readRowsFile));
  await writeReport(out, rendered(evaluationsOf(files, { summarize, parseNpz }), format));
}
