// `rampart/node`: the library with files and onnxruntime-node. These functions are what the commands do.

import { auditInNode, type NodeAudit } from "./audit/node.ts";
import type { AuditResult } from "./audit/result.ts";
import type { CertificateRow } from "./certify/row.ts";
import type { Dataset } from "./data/dataset.ts";
import { decodeImage } from "./data/decode/node.ts";
import type { FolderOptions } from "./data/folder.ts";
import { type ImageSource, type ImageTensorOptions, imageTensorWith } from "./data/image-tensor.ts";
import { type NodeDataOptions, openDatasetInNode } from "./data/node.ts";
import { parseNpz } from "./data/npz.ts";
import {
  type NodeRuntimeOptions,
  nodeProgram as programOf,
  nodeRuntime as runtimeOf,
} from "./engine/runtime/node.ts";
import type { Program, Runtime } from "./engine/runtime/runtime.ts";
import { checkFit } from "./evaluate/fit.ts";
import { evaluateInNode, type NodeEvaluation } from "./evaluate/node.ts";
import type { Row } from "./evaluate/row.ts";
import { summarize } from "./evaluate/summary.ts";
import { openTestImages } from "./evaluate/test-images/node.ts";
import { nodeHost } from "./files/host/node.ts";
import { writeWhole } from "./files/node.ts";
import { nodeStorageOf } from "./files/storage/node.ts";
import { certifiedRows } from "./library/certify.ts";
import { certifyOptions } from "./library/certify-checks.ts";
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
import { auditResultOf, collectRows, noteTo, passTraining } from "./library/events.ts";
import type {
  AuditOptions,
  CertifyOptions,
  EvaluateOptions,
  TrainOptions,
} from "./library/file-options.ts";
import { runtimeOn } from "./library/node-runtime.ts";
import type { Tensor } from "./math/tensor.ts";
import { UsageError } from "./math/usage-error.ts";
import { exportOnnx } from "./models/export.ts";
import { type OpenOptions, openModelInNode } from "./models/opening/node.ts";
import type { OpenModel } from "./models/opening/open-model.ts";
import { noiseNamedInNode } from "./noise/node.ts";
import { evaluationsOf } from "./report/evaluations.ts";
import { readRowsFile, writeReport } from "./report/node.ts";
import { type Format, report as rendered } from "./report/report.ts";
import { type NodeTraining, trainInNode } from "./train/node.ts";

export type { NodeAudit } from "./audit/audit-request.ts";
export type { NodeDataOptions } from "./data/node.ts";
export type { NodeRuntimeOptions } from "./engine/runtime/node.ts";
export type { NodeEvaluation } from "./evaluate/evaluation-request.ts";
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
export type { TrainEvent } from "./train/events.ts";
export type { NodeTraining } from "./train/training-request.ts";
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
 * Opens a run directory (its newest checkpoint), a checkpoint, or any .onnx file, packed by gzip or not.
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

const opened = (model: OpenModel | string): OpenModel | Promise<OpenModel> =>
  typeof model === "object" && model !== null ? model : openModelInNode(pathOf("the model", model));

/**
 * Trains in the run directory `out`, or goes on with it under `resume`, and opens the result. Where `signal` aborts, a
 * checkpoint is saved and the promise is rejected with the signal's reason. Throws `UsageError`.
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
 * Attacks a model's test images and returns the rows; with `out` they are also written, one line each. Where `signal`
 * aborts, the promise is rejected with the signal's reason, and the rows so far are in `out`. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { evaluate, pgd } from "rampart/node";
 *
 * const attacks = ["fgsm-l2", pgd({ norm: "linf", epsilon: 0.03 })] as const;
 * const rows = await evaluate("runs/at", { attacks, examples: 8, out: "rows.jsonl" });
 * console.log(rows.filter(({ correct }) => correct === 1).length);
 * ```
 */
export async function evaluate(
  model: OpenModel | string,
  options: EvaluateOptions = {},
): Promise<Row[]> {
  const { settings, where, images, own } = evaluateOptions(options);
  const { signal } = options;
  const { device, threads, onEvent: _, ...others } = where;
  signal?.throwIfAborted();
  const evaluated = await opened(model);
  const runtime = await runtimeOn(device, threads);
  const tell = noteTo(options);
  const { dataDir } = options;
  const data = where.data as EvaluateOptions["data"];
  const classes = where.classes as EvaluateOptions["classes"];
  const tested = await openTestImages(evaluated, { data, dataDir, images, classes }, tell);
  checkFit(evaluated, tested.dataset);
  const isChecked = evaluated.architecture.foreign === true || typeof data === "object";
  const running = {
    runtime,
    model: evaluated,
    dataset: isChecked ? tested.dataset : undefined,
    batch: settings.batch,
  };
  return collectRows(running, options, (network) =>
    evaluateInNode(evaluated, settings, {
      ...(others as Omit<NodeEvaluation, "network" | "target">),
      network,
      target: { ...runtime.target },
      customAttacks: own,
      images,
      tested,
      note: tell,
    }),
  );
}

/**
 * Audits a classifier: its accuracy under attack in each norm and in all of them, and signs that it cannot be trusted. With
 * `out` rows, summary.json, report.html and images are written. Where `signal` aborts, the promise is rejected with the
 * signal's reason, and the rows so far are in `out`. Throws `UsageError`.
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
 * Certifies a model's test images under noise and returns the rows, one per image; with `out` they are also written, one line
 * each. Radii are in pixels of [0, 1]. Where `signal` aborts, the promise is rejected with the signal's reason, and the rows so
 * far are in `out`. Throws `UsageError`.
 *
 * @example
 * ```ts no-run
 * import { certifiedShares, certify } from "rampart/node";
 *
 * const rows = await certify("runs/ni", { data: "cifar10", n: 10_000, out: "cert.jsonl" });
 * console.log(certifiedShares(rows, ["l2", "l1"], [0.25, 0.5]));
 * ```
 */
export async function certify(
  model: OpenModel | string,
  options: CertifyOptions = {},
): Promise<CertificateRow[]> {
  const { settings, where, images } = certifyOptions(options);
  const { signal, dataDir, out, resume, command } = options;
  const data = where.data as CertifyOptions["data"];
  signal?.throwIfAborted();
  const certified = await opened(model);
  const runtime = await runtimeOn(where.device, where.threads);
  const { dataset } = await openTestImages(certified, { data, dataDir, images }, noteTo(options));
  const running = {
    runtime,
    model: certified,
    dataset,
    host: nodeHost,
    out: out === undefined ? undefined : nodeStorageOf(out),
    resume,
    command,
  };
  return certifiedRows(running, settings, options);
}

/**
 * Predicts the classes of test images by the smoothed classifier, and abstains (null) where a two-sided test of `n` draws does
 * not separate the two most frequent classes at level `alpha`. Rows and options are those of `certify`. Throws `UsageError`.
 */
export const predict = (
  model: OpenModel | string,
  options: CertifyOptions = {},
): Promise<CertificateRow[]> => certify(model, Object.assign({}, options, { predict: true }));

/**
 * Writes a model's noise-free network as an .onnx file; its noise stands in the file's metadata. Throws `UsageError`.
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
  await writeReport(out, rendered(evaluationsOf(files, { summarize, parseNpz }), format));
}
