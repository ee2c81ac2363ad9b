// `rampart/node`: the library with files and onnxruntime-node. These functions are what the commands do.

import { auditInNode, type NodeAudit } from "./audit/node.ts";
import { reportTools } from "./audit/report-tools.ts";
import type { AuditResult } from "./audit/result.ts";
import type { Dataset } from "./data/dataset.ts";
import { decodeImage } from "./data/decode/node.ts";
import type { FolderOptions } from "./data/folder-options.ts";
import { type ImageSource, type ImageTensorOptions, imageTensorWith } from "./data/image-tensor.ts";
import { type NodeDataOptions, openDatasetInNode } from "./data/node.ts";
import {
  type NodeRuntimeOptions,
  nodeProgram as programOf,
  nodeRuntime as runtimeOf,
} from "./engine/runtime/node.ts";
import type { Program, Runtime } from "./engine/runtime/runtime.ts";
import type { Row } from "./evaluate/row.ts";
import { writeWhole } from "./files/node.ts";
import {
  auditingOptions,
  dataOptions,
  openOptions,
  pathOf,
  runtimeOptions,
  trainOptions,
} from "./library/checks.ts";
import { auditResultOf, noteTo, passTraining } from "./library/events.ts";
import type { AuditOptions, TrainOptions } from "./library/file-options.ts";
import { opened } from "./library/node-judging.ts";
import { runtimeOn } from "./library/node-runtime.ts";
import type { CompareOptions } from "./library/options.ts";
import { compareOptions, reportOptions } from "./library/report-checks.ts";
import type { Tensor } from "./math/tensor.ts";
import { UsageError } from "./math/usage-error.ts";
import { exportOnnx } from "./models/export.ts";
import { type OpenOptions, openModelInNode } from "./models/opening/node.ts";
import type { OpenModel } from "./models/opening/open-model.ts";
import { noiseNamedInNode } from "./noise/node.ts";
import { comparedResults } from "./report/compared-results.ts";
import { type Comparison, comparisonOf } from "./report/comparison.ts";
import { comparisonReport } from "./report/comparison-report.ts";
import { evaluationsOf } from "./report/evaluations.ts";
import { readResultFile, readRowsFile, writeReport } from "./report/node.ts";
import { type Format, report as rendered } from "./report/report.ts";
import type { ComparisonFormat } from "./report/report-format.ts";
import { type NodeTraining, trainInNode } from "./train/node.ts";

export type { NodeAudit } from "./audit/audit-request.ts";
export type { NodeDataOptions } from "./data/node.ts";
export type { NodeRuntimeOptions } from "./engine/runtime/node.ts";
export type { NodeEvaluation } from "./evaluate/evaluation-request.ts";
export type { RunFiles } from "./files/run/run-files.ts";
export * from "./index.ts";
export type {
  AttackName,
  AuditingEvent,
  AuditOptions,
  CertifyingEvent,
  CertifyOptions,
  DefenseName,
  DeviceName,
  EvaluateOptions,
  EvaluationEvent,
  ModelName,
  OneOrMore,
  Running,
  TrainOptions,
} from "./library/file-options.ts";
export { certify, evaluate, predict } from "./library/node-judging.ts";
export type {
  Checkpoint,
  CheckpointMetadata,
  Position,
  StoredOptions,
  TrainState,
} from "./models/opening/checkpoint.ts";
export type { TrainEvent } from "./train/events.ts";
export type { NodeTraining, TrainingSource } from "./train/training-request.ts";
export type { AuditResult, OpenModel, Row };
export { noiseNamedInNode as noiseNamed };

/**
 * Graphs run by onnxruntime-node on this machine; throws `UsageError` where it lacks the device.
 *
 * @example
 * ```ts
 * import { nodeRuntime } from "rampart/node";
 *
 * const runtime = await nodeRuntime({ threads: 2 });
 * console.log(runtime.target.lowering); // blocked-16, blocked-8 or plain
 * ```
 */
export const nodeRuntime = async (options: NodeRuntimeOptions = {}): Promise<Runtime> =>
  runtimeOf(runtimeOptions(options));

/**
 * The bytes of any ONNX file as a program, whose inputs and outputs have the file's names.
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { nodeProgram, tensor } from "rampart/node";
 *
 * const program = await nodeProgram(await readFile("at.onnx"));
 * const { logits } = await program.run({ pixels: tensor([1, 3, 32, 32]) });
 * console.log(logits.shape); // [1, 10]
 * await program.release();
 * ```
 */
export const nodeProgram = async (
  bytes: Uint8Array,
  options: NodeRuntimeOptions = {},
): Promise<Program> => programOf(bytes, runtimeOptions(options));

/**
 * Opens a run directory (its newest checkpoint), a checkpoint, or any .onnx file, gzipped or not.
 *
 * @example
 * ```ts
 * import { openModel } from "rampart/node";
 *
 * const { architecture, classNames, noise } = await openModel("at.onnx");
 * console.log(architecture.inputShape, classNames, noise);
 * ```
 */
export const openModel = async (path: string, options: OpenOptions = {}): Promise<OpenModel> =>
  openModelInNode(pathOf("the model", path), openOptions(options));

/**
 * `imageTensor` of `rampart`, with a decoder of image files that has Pillow's levels. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { imageTensor } from "rampart/node";
 *
 * const x = await imageTensor(await readFile("photo.png"), { resize: [32], crop: [32] });
 * console.log(x.shape); // [1, 3, 32, 32], pixels in [0, 1]
 * ```
 */
export const imageTensor = (
  sources: ImageSource | readonly ImageSource[],
  options: ImageTensorOptions = {},
): Promise<Tensor> => imageTensorWith(decodeImage, sources, options);

/**
 * The data set written `name` on the command line, from this machine's disk.
 *
 * @example
 * ```ts
 * import { openDataset } from "rampart/node";
 *
 * const { classes, test } = await openDataset("shapes");
 * console.log(classes.length, test.size, test.images([0, 1]).shape); // 10, 1000, [2, 3, 32, 32]
 * ```
 */
export const openDataset = async (
  name: string,
  given: NodeDataOptions & FolderOptions = {},
): Promise<Dataset> => {
  const { data, options } = dataOptions(pathOf("the data set", name), given);
  return openDatasetInNode(data, options);
};

/**
 * Trains in the run directory `out`, or continues it with `resume`, and opens the result. Where `signal` aborts, a
 * checkpoint is saved and the promise is rejected with the signal's reason. Throws `UsageError`, with the code `diverged` for a
 * loss that is not finite; the best checkpoint on validation images is then the model in `out`.
 *
 * @example
 * ```ts
 * import { train } from "rampart/node";
 *
 * const options = { model: "cnn-small", data: "shapes", recipe: "short", examples: 256 } as const;
 * const model = await train({ defense: "at-linf", ...options, epochs: 1, out: "runs/at" });
 * console.log(model.defense);
 * ```
 */
export async function train(options: TrainOptions): Promise<OpenModel> {
  const { own, others } = trainOptions(options);
  const { device, onEvent: _, ...where } = others;
  if (typeof device === "object") where.runtime = device;
  else if (device !== undefined) where.device = device;
  options.signal?.throwIfAborted();
  await passTraining(trainInNode(own, where as unknown as NodeTraining), options);
  const { out } = options;
  const ownModel = where.ownModel as NodeTraining["ownModel"];
  return openModelInNode(out, ownModel === undefined ? {} : { ownModel });
}

/**
 * Audits a classifier: its accuracy under attack in each norm and in all of them, and the diagnostics that say whether
 * the numbers can be trusted. With `out` rows, summary.json, report.html and images are written. Where `signal` aborts,
 * the promise is rejected with the signal's reason, and the rows so far are in `out`. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { audit } from "rampart/node";
 *
 * const { clean, union } = await audit("at.onnx", { budget: "quick", examples: 4, out: "audit" });
 * console.log(clean.mean, union.mean); // accuracy without and under attack
 * ```
 */
export async function audit(path: string, options: AuditOptions = {}): Promise<AuditResult> {
  const file = pathOf("the model", path);
  const { settings, where } = auditingOptions(options);
  const { signal } = options;
  const { device, threads, onEvent: _, ...others } = where;
  signal?.throwIfAborted();
  const runtime = await runtimeOn(device, threads);
  const events = auditInNode(file, settings, {
    ...(others as Omit<NodeAudit, "runtime">),
    runtime,
    note: noteTo(options),
  });
  return auditResultOf(events, options);
}

/**
 * Writes a model's noise-free network as an .onnx file; its noise is in the file's metadata. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { exportModel } from "rampart/node";
 *
 * await exportModel("runs/at", "at.onnx");
 * ```
 */
export async function exportModel(model: OpenModel | string, out: string): Promise<void> {
  const target = pathOf("out", out);
  const { architecture, parameters, ...metadata } = await opened(model);
  await writeWhole(target, exportOnnx(architecture, parameters, metadata));
}

/**
 * Makes one report of the rows in these files, with the settings and images beside them. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { report } from "rampart/node";
 *
 * await report(["rows.jsonl"], { out: "report.html" });
 * ```
 */
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
  await writeReport(out, rendered(evaluationsOf(files, reportTools), format));
}

/**
 * Compares two results on disk, image by image: files of rows, or folders of audits. `out` also writes the comparison, in
 * `format` (html). Throws `UsageError` if the images differ.
 *
 * @example
 * ```ts
 * import { compare } from "rampart/node";
 *
 * const { accuracies } = await compare("rows.jsonl", "rows.jsonl");
 * console.log(accuracies[0].difference.mean, accuracies[0].p); // 0 1
 * ```
 */
export async function compare(
  before: string,
  after: string,
  options: CompareOptions & { readonly out?: string; readonly format?: ComparisonFormat } = {},
): Promise<Comparison> {
  const { out, format = "html", ...settings } = options;
  const files = [
    await readResultFile(pathOf("the result before", before)),
    await readResultFile(pathOf("the result after", after)),
  ];
  const results = comparedResults(files[0], files[1], reportTools);
  const comparison = comparisonOf(...results, compareOptions(settings));
  const evaluations = results.map(({ evaluation }) => evaluation);
  if (out !== undefined)
    await writeReport(pathOf("out", out), comparisonReport(comparison, evaluations, format));
  return comparison;
}
