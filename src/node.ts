import { defined } from "./math/defined.ts";
// `rampart/node`: the library with files and onnxruntime-node. These functions are what the commands do.

import { auditNode, type NodeAudit } from "./audit/node.ts";
import type { AuditResult } from "./audit/result.ts";
import type { Dataset } from "./data/dataset.ts";
import type { FolderOptions } from "./data/folder.ts";
import { type NodeDataOptions, openDatasetNode, openImagesNode } from "./data/node.ts";
import { parseNpz } from "./data/npz.ts";
import {
  type NodeRuntimeOptions,
  nodeProgram as programOf,
  nodeRuntime as runtimeOf,
} from "./engine/runtime/node.ts";
import type { Program, Runtime } from "./engine/runtime/runtime.ts";
import { withoutDependence } from "./evaluate/batch.ts";
import { evaluateNode, type NodeEvaluation } from "./evaluate/node.ts";
import type { Row } from "./evaluate/row.ts";
import { summarize } from "./evaluate/summary.ts";
import { writeWhole } from "./files/node.ts";
import {
  auditingOptions,
  dataOptions,
  evaluateOptions,
  openOptions,
  pathOf,
  reportOptions,
  runtimeOptions,
  trainOptions,
} from "./library/checks.ts";
import type { AuditOptions, EvaluateOptions, TrainOptions } from "./library/node-options.ts";
import { runtimeOn } from "./library/node-runtime.ts";
import { InternalError } from "./math/internal-error.ts";
import type { Note } from "./math/note.ts";
import { UsageError } from "./math/usage-error.ts";
import { classifier } from "./models/classifier.ts";
import { exportOnnx } from "./models/export.ts";
import { type OpenOptions, openModelNode } from "./models/opening/node.ts";
import type { OpenModel } from "./models/opening/open-model.ts";
import { noiseNamedNode } from "./noise/node.ts";
import { evaluationsOf } from "./report/evaluations.ts";
import { readRowsFile, writeReport } from "./report/node.ts";
import { type Format, report as rendered } from "./report/report.ts";
import { type NodeTraining, trainNode } from "./train/node.ts";

export * from "./index.ts";
export type {
  AttackName,
  AuditingEvent,
  AuditOptions,
  DefenseName,
  DeviceName,
  EvaluateOptions,
  EvaluationEvent,
  ModelName,
  OneOrMore,
  Running,
  TrainOptions,
} from "./library/node-options.ts";
export type { TrainEvent } from "./train/events.ts";
export type { AuditResult, OpenModel, Row };
export { noiseNamedNode as noiseNamed };

/** Graphs run by onnxruntime-node on this machine; throws `UsageError` where it lacks the device. */
export const nodeRuntime = async (options: NodeRuntimeOptions = {}): Promise<Runtime> =>
  runtimeOf(runtimeOptions(options));

/** The bytes of any ONNX file as a program, whose inputs and outputs have the file's names. */
export const nodeProgram = async (
  bytes: Uint8Array,
  options: NodeRuntimeOptions = {},
): Promise<Program> => programOf(bytes, runtimeOptions(options));

/** Opens a run directory (its newest checkpoint), a checkpoint, or any .onnx file, packed by gzip or not. */
export const openModel = async (path: string, options: OpenOptions = {}): Promise<OpenModel> =>
  openModelNode(pathOf("the model", path), openOptions(options));

/** The data set written `name` on the command line, from this machine's disk. */
export const openDataset = async (
  name: string,
  options: NodeDataOptions & FolderOptions = {},
): Promise<Dataset> => openDatasetNode(pathOf("the data set", name), dataOptions(options));

const opened = (model: OpenModel | string): OpenModel | Promise<OpenModel> =>
  typeof model === "object" && model !== null ? model : openModelNode(pathOf("the model", model));

/**
 * Trains in the run directory `out`, or goes on with it under `resume`, and opens the result. Where `signal` aborts, a
 * checkpoint is saved and the promise is rejected with the signal's reason. Throws `UsageError`.
 */
export async function train(options: TrainOptions): Promise<OpenModel> {
  const { own, others } = trainOptions(options);
  const { onEvent, signal } = options;
  const { device, onEvent: _, ...where } = others;
  if (typeof device === "object") where.runtime = device;
  else if (device !== undefined) where.device = device;
  signal?.throwIfAborted();
  for await (const event of trainNode(own, where as unknown as NodeTraining)) {
    onEvent?.(event);
    if (event.event === "interrupted") throw signal?.reason;
  }
  const { out } = options;
  const ownModel = where.ownModel as NodeTraining["ownModel"];
  return openModelNode(out, ownModel === undefined ? {} : { ownModel });
}

/**
 * Attacks a model's test images and returns the rows; with `out` they are also written, one line each. Where `signal`
 * aborts, the promise is rejected with the signal's reason, and the rows so far are in `out`. Throws `UsageError`.
 */
export async function evaluate(
  model: OpenModel | string,
  options: EvaluateOptions = {},
): Promise<Row[]> {
  const { settings, where, images, own } = evaluateOptions(options);
  const { onEvent, signal, note } = options;
  const { device, threads, onEvent: _, ...others } = where;
  signal?.throwIfAborted();
  const evaluated = await opened(model);
  const runtime = await runtimeOn(device, threads);
  const tell = ({ code, text }: Note) => {
    note?.(text);
    onEvent?.({ event: "note", code, text });
  };
  const { data, dataDir } = options;
  const dataset =
    evaluated.architecture.foreign === true && typeof data === "string"
      ? await openImagesNode(data, images, { dataDir, takes: evaluated.architecture.inputShape })
      : data;
  if (typeof dataset === "object" && dataset !== data)
    for (const one of dataset.notes ?? []) tell(one);
  const architecture =
    typeof dataset === "object"
      ? await withoutDependence(runtime, evaluated.architecture, dataset.test, {
          batch: settings.batch,
          note: tell,
        })
      : evaluated.architecture;
  const network = classifier(runtime, architecture, evaluated.parameters);
  const rows: Row[] = [];
  let missing = 0;
  try {
    const events = evaluateNode(evaluated, settings, {
      ...(others as Omit<NodeEvaluation, "network" | "target">),
      network,
      target: { ...runtime.target },
      customAttacks: own,
      images,
      ...defined({ data: dataset }),
      note: tell,
    });
    for await (const event of events) {
      rows.push(event.row);
      missing = event.total - event.done;
      onEvent?.({ event: "row", ...event });
    }
  } finally {
    await network.release();
  }
  if (signal?.aborted && (missing > 0 || rows.length === 0)) throw signal.reason;
  return rows;
}

/**
 * Audits a classifier: its accuracy under attack in each norm and in all of them, and signs that it cannot be trusted. With
 * `out` rows, summary.json, report.html and images are written. Where `signal` aborts, the promise is rejected with the
 * signal's reason, and the rows so far are in `out`. Throws `UsageError`.
 */
export async function audit(path: string, options: AuditOptions = {}): Promise<AuditResult> {
  const file = pathOf("the model", path);
  const { settings, where } = auditingOptions(options);
  const { onEvent, signal, note } = options;
  const { device, threads, onEvent: _, ...others } = where;
  signal?.throwIfAborted();
  const runtime = await runtimeOn(device, threads);
  const events = auditNode(file, settings, {
    ...(others as Omit<NodeAudit, "runtime">),
    runtime,
    note({ code, text }) {
      note?.(text);
      onEvent?.({ event: "note", code, text });
    },
  });
  let result: AuditResult | undefined;
  for await (const event of events) {
    onEvent?.(event);
    if (event.event === "result") result = event.result;
  }
  if (result !== undefined) return result;
  throw signal?.reason ?? new InternalError("the audit ended without a result");
}

/** Writes a model's noise-free network as an .onnx file; its noise stands in the file's metadata. */
export async function exportModel(model: OpenModel | string, out: string): Promise<void> {
  const target = pathOf("out", out);
  const { architecture, parameters, ...metadata } = await opened(model);
  await writeWhole(target, exportOnnx(architecture, parameters, metadata));
}

/** Makes one report of the rows in these files, with the settings and images beside them. */
export async function report(
  rows: readonly string[],
  options: { readonly out: string; readonly format?: Format },
): Promise<void> {
  const { out, format } = reportOptions(options);
  if (!Array.isArray(rows) || rows.length === 0)
    throw new UsageError("no files of rows are given; name at least one .jsonl file", {
      code: "missing-option",
    });
  const files = await Promise.all(rows.map((path) => readRowsFile(pathOf("a file of rows", path))));
  await writeReport(out, rendered(evaluationsOf(files, { summarize, parseNpz }), format));
}
