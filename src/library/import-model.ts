import { portableHost } from "../files/host/host.ts";
import { contentsKind } from "../files/kind.ts";
import { modelOfCheckpointFile, type OpenModel } from "../models/opening/open-model.ts";
import { openOnnx } from "../models/opening/open-onnx.ts";
import { openOptions } from "./checks.ts";
import type { ImportOptions } from "./options.ts";
import { givenRuntime, type StartRuntime } from "./start.ts";
import { modelBytes, onnxOf } from "./values.ts";

/** `importModel` on the runtimes of a platform. */
export async function importModelOn(
  start: StartRuntime,
  model: Uint8Array | ArrayBuffer,
  { name = "model.onnx", external, device, threads, ...reading }: ImportOptions = {},
): Promise<OpenModel> {
  const options = openOptions(reading);
  const bytes = await modelBytes(model, name);
  if (contentsKind(bytes)?.code === "safetensors") return modelOfCheckpointFile(bytes, name);
  const file = onnxOf(bytes, name, external);
  const tools = { host: portableHost, runtime: () => start(device, threads) };
  return openOnnx(file, options, tools);
}

/**
 * Opens the bytes of an .onnx file of any tool, gzipped or not, or of a checkpoint of Rampart. A file with a fixed
 * batch is checked on the runtime `device`. Throws `UsageError` for a file that cannot be read.
 *
 * @example
 * ```ts
 * import { importModel, webRuntime } from "rampart/web";
 *
 * const bytes = await (await fetch("model.onnx")).arrayBuffer();
 * const device = await webRuntime();
 * const model = await importModel(bytes, { device, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] });
 * console.log(model.architecture.classes);
 * ```
 */
export const importModel = (
  model: Uint8Array | ArrayBuffer,
  options: ImportOptions = {},
): Promise<OpenModel> => importModelOn(givenRuntime, model, options);
