import { type OnnxModel, readModel } from "../../engine/onnx/model.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import type { Host } from "../../files/host/host.ts";
import { otherKind } from "../../files/kind.ts";
import type { Note } from "../../math/note.ts";
import type { Shape } from "../../math/tensor.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { Architecture } from "../architecture.ts";
import { exportedMetadata, isExported } from "../export.ts";
import {
  type ImportedNetwork,
  type ImportedOptions,
  importedNetwork,
} from "../imported-network.ts";
import { provenanceIn } from "../provenance.ts";
import { isBatchRewritten, verifyBatchRewrite } from "../verify-batch-rewrite.ts";
import { onnxChecksum } from "./onnx-checksum.ts";
import { modelOfExported, modelOfNetwork, type OpenModel } from "./open-model.ts";
import { isOwnExport } from "./own-export.ts";

/** An ONNX file that was read: unpacked bytes, and the messages in them with the arrays of files beside it. */
export interface OnnxFile {
  /** Path or name, for messages and tables. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly model: OnnxModel;
}

/** The bytes; throws `UsageError` if they belong to another format than ONNX. */
export function requireOnnx(path: string, bytes: Uint8Array): Uint8Array {
  const other = otherKind(path, bytes, "an ONNX model", ["onnx"]);
  if (other !== undefined) throw new UsageError(other, { code: "bad-file" });
  return bytes;
}

/** Parses the bytes of an ONNX file. `external` holds the files beside it in which it keeps arrays. Throws `UsageError`. */
export const onnxFile = (
  path: string,
  bytes: Uint8Array,
  external: ReadonlyMap<string, Uint8Array>,
): OnnxFile => ({ path, bytes, model: readModel(requireOnnx(path, bytes), external) });

/** How an ONNX file is opened. */
export interface OpenOnnxOptions extends ImportedOptions {
  /** The shape of the images that the network will see, used if `shape` is not given; not recorded. */
  readonly images?: Shape | undefined;
}

/** How a model is opened, and the runtime that checks it. */
export interface OpenOptions extends OpenOnnxOptions {
  readonly runtime?: Runtime;
  /** The network of a run directory that was trained with `ownModel`. */
  readonly ownModel?: Architecture;
}

/** What opening an ONNX file needs of its platform. */
export interface OpenOnnxTools {
  readonly host: Host;
  /** Gives the runtime that checks a file with a fixed batch; not called for other files. */
  runtime(): Promise<Runtime>;
}

const nameOf = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;

/**
 * The classifier in an ONNX file. Checks on the runtime that the network computes the same for other batch sizes than a batch
 * that the file states. Throws `UsageError` for what cannot be read.
 */
export async function importOnnx(
  { model, path }: Pick<OnnxFile, "model" | "path">,
  options: ImportedOptions,
  runtime: OpenOnnxTools["runtime"],
): Promise<ImportedNetwork> {
  const network = importedNetwork(model, nameOf(path), options);
  return isBatchRewritten(network) ? verifyBatchRewrite(await runtime(), network) : network;
}

/** What a file's metadata say of its training as a third-party file; undefined if it was not trained so. */
function lastTraining(metadata: Readonly<Record<string, string>>) {
  const provenance = provenanceIn(metadata);
  if (provenance === undefined) return undefined;
  const { defense, data, noise, heldOut } = provenance;
  return { defense, data, noise, heldOut };
}

/** Opens an ONNX file, exported by Rampart or by another tool. The file is not changed, so it may be opened again. */
export async function openOnnx(
  file: OnnxFile,
  { images, ...reading }: OpenOnnxOptions,
  { host, runtime }: OpenOnnxTools,
): Promise<OpenModel> {
  const { path, bytes, model } = file;
  if (await isOwnExport(file, runtime)) return modelOfExported(bytes, path.replace(/\.gz$/, ""));
  const weights = (await onnxChecksum(file, host)).slice(0, 16);
  const options = { ...reading, shape: reading.shape ?? images };
  const opened = modelOfNetwork(await importOnnx(file, options, runtime), path, weights, reading);
  const notes = opened.notes ?? [];
  const trained = lastTraining(model.metadata);
  if (isExported(model.metadata)) {
    const { input: _, ...metadata } = exportedMetadata(model.metadata);
    const note: Note = {
      code: "graph-changed",
      text: `${path}: its nodes were changed since rampart exported it, so it is read as any other ONNX file; defence, data and noise are those that its metadata name`,
    };
    return Object.assign({}, opened, metadata, trained, { notes: [...notes, note] });
  }
  if (trained !== undefined) return Object.assign({}, opened, trained);
  const hasOurMetadata = Object.keys(model.metadata).some((key) => key.startsWith("rampart."));
  if (!hasOurMetadata) return opened;
  const note: Note = {
    code: "metadata-lost",
    text: `${path} has metadata of rampart and does not name its architecture: it was changed since export, and is read as any other ONNX file`,
  };
  return { ...opened, notes: [...notes, note] };
}
