// Checks of the values that replace files.
import { memoryData } from "../data/data-files.ts";
import type { Dataset } from "../data/dataset.ts";
import { gunzipped } from "../data/gunzip.ts";
import { openDataset } from "../data/table.ts";
import { externalLocations } from "../engine/onnx/model.ts";
import type { Storage } from "../files/storage/storage.ts";
import { UsageError } from "../math/usage-error.ts";
import { type OnnxFile, onnxFile, requireOnnx } from "../models/opening/open-onnx.ts";
import { has } from "./checks.ts";
import type { ModelBytes } from "./options.ts";

/** The file of rows in a storage. */
export const ROWS = "rows.jsonl";

/** The name under which a value stands for the file of class names. */
export const CLASSES = "classes.json";

/** The text of a value that stands for a JSON file. Throws `UsageError` for a path. */
export function fileText(option: string, value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === "object" && value !== null) return JSON.stringify(value);
  throw new UsageError(
    `${option} is ${JSON.stringify(value)}, but there are no files here; give what such a file holds, parsed from JSON`,
    { code: "bad-option" },
  );
}

/** A value in a message. */
const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);

/** The value as a storage; undefined if there is none. Throws `UsageError` for anything else. */
export function storageOf(value: unknown): Storage | undefined {
  if (value === undefined || has(value, "readIfThere", "write", "append", "lease"))
    return value as Storage | undefined;
  throw new UsageError(
    `out is ${shown(value)}, but there are no files here; give a storage such as memoryStorage(), or use rampart/node`,
    { code: "bad-option" },
  );
}

/** Options without those about files, which only `rampart/node` has. Throws `UsageError` if one is given. */
export function refuseFiles(options: object): void {
  if ((options as { readonly dataDir?: unknown }).dataDir === undefined) return;
  throw new UsageError("dataDir names a folder, but there are no files here; use rampart/node", {
    code: "unknown-option",
  });
}

/** Whether a value is an open data set. */
export const isDataset = (value: unknown): value is Dataset =>
  typeof value === "object" && value !== null && "test" in value && "shape" in value;

/** The data set given as a value, or the one of that name. Throws `UsageError` for a data set that needs files. */
export async function datasetOfValue(value: unknown): Promise<Dataset> {
  if (isDataset(value)) return value;
  if (typeof value !== "string" || value === "")
    throw new UsageError(
      `data is ${shown(value)}; give a data set as a value, or the name of one that needs no files, such as shapes`,
      { code: value === undefined || value === "" ? "missing-option" : "bad-option" },
    );
  if (/^(folder|npz):/.test(value))
    throw new UsageError(
      `data is ${value}, but there are no files here; give a data set as a value (imageDataset), or use rampart/node`,
      { code: "bad-option" },
    );
  return openDataset(value, memoryData({}));
}

/** The bytes of a model, unpacked if they are gzipped. Throws `UsageError` for anything else. */
export async function modelBytes(model: unknown, name: string): Promise<Uint8Array> {
  if (model instanceof Uint8Array) return gunzipped(name, model);
  if (model instanceof ArrayBuffer) return gunzipped(name, new Uint8Array(model));
  throw new UsageError(
    `the model is ${shown(model).slice(0, 60)}, but it must be the bytes of a file, a Uint8Array or an ArrayBuffer`,
    { code: "bad-option" },
  );
}

/** Parses an ONNX file. Throws `UsageError` if a file beside it is not given. */
export function onnxOf(
  bytes: Uint8Array,
  name: string,
  external: ModelBytes["external"],
): OnnxFile {
  requireOnnx(name, bytes);
  const files = new Map(Object.entries(external ?? {}));
  const missing = externalLocations(bytes).find((location) => !files.has(location));
  if (missing !== undefined)
    throw new UsageError(
      `${name} keeps arrays in ${missing}; give the bytes of that file as external: { ${JSON.stringify(missing)}: bytes }`,
      { code: "not-found" },
    );
  return onnxFile(name, bytes, files);
}
