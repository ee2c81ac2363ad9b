// `rampart/web`: the same library in a page, on onnxruntime-web.
import type { AuditResult } from "./audit/result.ts";
import type { CertificateRow } from "./certify/row.ts";
import { type WebRuntimeOptions, webRuntime } from "./engine/runtime/web.ts";
import type { Row } from "./evaluate/row.ts";
import { auditOn } from "./library/audit.ts";
import { certifyOn, predictOn } from "./library/certify.ts";
import { has } from "./library/checks.ts";
import { evaluateOn } from "./library/evaluate.ts";
import { importModelOn } from "./library/import-model.ts";
import type {
  AuditOptions,
  CertifyOptions,
  EvaluateOptions,
  ImportOptions,
  TrainOptions,
} from "./library/options.ts";
import type { StartRuntime } from "./library/start.ts";
import { trainOn } from "./library/train.ts";
import { defined } from "./math/defined.ts";
import type { OpenModel } from "./models/opening/open-model.ts";

export { type WebRuntimeOptions, webRuntime } from "./engine/runtime/web.ts";
export type { Address, WasmPaths } from "./engine/runtime/web-files.ts";
export * from "./index.ts";

/** The runtime that a caller passed as `device`, or `webRuntime` on the device of that name. */
const start: StartRuntime = async (device, threads) => {
  if (has(device, "compile")) return device as Awaited<ReturnType<typeof webRuntime>>;
  return webRuntime(defined({ device, threads }) as WebRuntimeOptions);
};

/**
 * `train` of `rampart`. Starts `webRuntime` unless `device` is a runtime.
 *
 * @example
 * ```ts
 * import { memoryStorage, train } from "rampart/web";
 *
 * const out = memoryStorage("run");
 * const network = { defense: "standard", model: "mlp-small", data: "shapes" } as const;
 * await train({ ...network, recipe: "short", epochs: 1, examples: 64, out });
 * console.log(await out.list("")); // config.json, metrics.jsonl, model.onnx
 * ```
 */
export const train = (options: TrainOptions): Promise<OpenModel> => trainOn(start, options);

/**
 * `evaluate` of `rampart`. Starts `webRuntime` unless `device` is a runtime.
 *
 * @example
 * ```ts
 * import { evaluate, importModel } from "rampart/web";
 *
 * const model = await importModel(await (await fetch("model.onnx")).arrayBuffer());
 * const rows = await evaluate(model, { data: "shapes", attacks: "pgd-linf", examples: 4 });
 * console.log(rows.length); // 4
 * ```
 */
export const evaluate = (model: OpenModel, options: EvaluateOptions = {}): Promise<Row[]> =>
  evaluateOn(start, model, options);

/**
 * `certify` of `rampart`. Starts `webRuntime` unless `device` is a runtime.
 *
 * @example
 * ```ts
 * import { certify, importModel } from "rampart/web";
 *
 * const model = await importModel(await (await fetch("model.onnx")).arrayBuffer());
 * const rows = await certify(model, { data: "shapes", noise: "normal:0.25", n: 100, examples: 2 });
 * console.log(rows.length); // 2
 * ```
 */
export const certify = (
  model: OpenModel,
  options: CertifyOptions = {},
): Promise<CertificateRow[]> => certifyOn(start, model, options);

/**
 * `predict` of `rampart`. Starts `webRuntime` unless `device` is a runtime.
 *
 * @example
 * ```ts
 * import { predict, importModel } from "rampart/web";
 *
 * const model = await importModel(await (await fetch("model.onnx")).arrayBuffer());
 * const rows = await predict(model, { data: "shapes", noise: "normal:0.25", n: 100, examples: 2 });
 * console.log(rows.length); // 2
 * ```
 */
export const predict = (
  model: OpenModel,
  options: CertifyOptions = {},
): Promise<CertificateRow[]> => predictOn(start, model, options);

/**
 * `audit` of `rampart`. Starts `webRuntime` unless `device` is a runtime.
 *
 * @example
 * ```ts
 * import { audit } from "rampart/web";
 *
 * const bytes = await (await fetch("model.onnx")).arrayBuffer();
 * const { clean, union } = await audit(bytes, { data: "shapes", budget: "quick", examples: 4 });
 * console.log(clean.mean, union.mean); // accuracy without and under attack
 * ```
 */
export const audit = (
  model: Uint8Array | ArrayBuffer | OpenModel,
  options: AuditOptions = {},
): Promise<AuditResult> => auditOn(start, model, options);

/**
 * `importModel` of `rampart`. Starts `webRuntime` for a file with a fixed batch, unless `device` is a runtime.
 *
 * @example
 * ```ts
 * import { importModel } from "rampart/web";
 *
 * const bytes = await (await fetch("model.onnx")).arrayBuffer();
 * const { architecture } = await importModel(bytes);
 * console.log(architecture.inputShape); // [channel, height, width]
 * ```
 */
export const importModel = (
  model: Uint8Array | ArrayBuffer,
  options: ImportOptions = {},
): Promise<OpenModel> => importModelOn(start, model, options);
