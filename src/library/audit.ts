import { auditModel } from "../audit/audit.ts";
import type { AuditRequest, AuditSource } from "../audit/audit-request.ts";
import type { AuditResult } from "../audit/result.ts";
import { resizedDataset } from "../data/resized.ts";
import { portableHost } from "../files/host/host.ts";
import { contentsKind } from "../files/kind.ts";
import { UsageError } from "../math/usage-error.ts";
import { modelOfCheckpointFile, type OpenModel } from "../models/opening/open-model.ts";
import { auditingOptions } from "./checks.ts";
import { auditResultOf, noteTo } from "./events.ts";
import type { AuditOptions } from "./options.ts";
import { givenRuntime, type StartRuntime } from "./start.ts";
import {
  CLASSES,
  datasetOfValue,
  fileText,
  modelBytes,
  onnxOf,
  refuseFiles,
  storageOf,
} from "./values.ts";

/** The name under which a value stands for the file of preprocessing. */
const PREPROCESSING = "preprocessing.json";

/** How the model of an audit is opened. */
type ModelSource = Pick<AuditSource, "path" | "onnx" | "openOther">;

const isOpen = (model: unknown): model is OpenModel =>
  typeof (model as OpenModel | null | undefined)?.architecture?.forward === "function";

/** A model that is open. Throws `UsageError` for an imported file, whose bytes an audit reads in several ways. */
function openSource(model: OpenModel, name = model.name): ModelSource {
  if (model.architecture.foreign === true)
    throw new UsageError(`${name} was opened by importModel; give audit the bytes of the file`, {
      code: "bad-option",
    });
  return { path: name, onnx: async () => null, openOther: async () => model };
}

/** The bytes of a model. */
async function bytesSource(
  model: Uint8Array | ArrayBuffer,
  { name = "model.onnx", external }: AuditOptions,
): Promise<ModelSource> {
  const bytes = await modelBytes(model, name);
  const isCheckpoint = contentsKind(bytes)?.code === "safetensors";
  return {
    path: name,
    onnx: async () => (isCheckpoint ? null : onnxOf(bytes, name, external)),
    openOther: () => modelOfCheckpointFile(bytes, name),
  };
}

/** A model and images in memory. */
async function memorySource(
  model: Uint8Array | ArrayBuffer | OpenModel,
  options: AuditOptions,
): Promise<AuditSource> {
  const { name, data, preprocessing, classes } = options;
  const opening = isOpen(model) ? openSource(model, name) : await bytesSource(model, options);
  const texts = new Map([
    [PREPROCESSING, fileText("preprocessing", preprocessing)],
    [CLASSES, fileText("classes", classes)],
  ]);
  return {
    ...opening,
    readText: async (path) => texts.get(path) ?? null,
    isSameData: async (a, b) => a === b,
    async openData(wanted, { prepare }) {
      const dataset = await datasetOfValue(typeof data === "object" ? data : wanted);
      return prepare === undefined ? dataset : resizedDataset(dataset, prepare);
    },
  };
}

/** `audit` on the runtimes of a platform. */
export async function auditOn(
  start: StartRuntime,
  model: Uint8Array | ArrayBuffer | OpenModel,
  options: AuditOptions = {},
): Promise<AuditResult> {
  refuseFiles(options);
  const { name: _, external: __, out, data, preprocessing, classes, ...given } = options;
  const storage = storageOf(out);
  const named = typeof data === "string" ? data : undefined;
  const { settings, where } = auditingOptions(Object.assign({ data: named }, given));
  const { signal } = options;
  signal?.throwIfAborted();
  const source = await memorySource(model, options);
  const { device, threads, onEvent: ___, ...others } = where;
  const request: AuditRequest = {
    ...(others as Omit<AuditRequest, "runtime" | "source" | "host">),
    runtime: await start(device, threads),
    source,
    host: portableHost,
    out: storage,
    data: data === undefined ? undefined : (await datasetOfValue(where.data ?? data)).name,
    preprocessing: preprocessing === undefined ? undefined : PREPROCESSING,
    classes: classes === undefined ? undefined : CLASSES,
    note: noteTo(options),
  };
  return auditResultOf(auditModel(settings, request), options);
}

/**
 * Audits the bytes of a classifier, or the model that `train` returned: its accuracy under attack in each norm and in
 * all of them, and the diagnostics that say whether the numbers can be trusted. With a storage `out` rows,
 * summary.json, report.html and images are written there. Where `signal` aborts, the promise is rejected with the
 * signal's reason, and the rows so far are in `out`. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { audit, memoryStorage, webRuntime } from "rampart/web";
 *
 * const out = memoryStorage("audit");
 * const device = await webRuntime();
 * const bytes = await (await fetch("model.onnx")).arrayBuffer();
 * const { union } = await audit(bytes, { device, data: "shapes", budget: "quick", examples: 4, out });
 * console.log(`${100 * union.mean} % of images withstand every attack`);
 * const html = new TextDecoder().decode(await out.read("report.html"));
 * ```
 */
export const audit = (
  model: Uint8Array | ArrayBuffer | OpenModel,
  options: AuditOptions = {},
): Promise<AuditResult> => auditOn(givenRuntime, model, options);
