import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import { contentsKind, otherKind } from "../../files/kind.ts";
import { orMissing } from "../../files/node.ts";
import { readBytes, whileReading } from "../../files/read/node.ts";
import { nodeFiles } from "../../files/run/node.ts";
import type { Note } from "../../math/note.ts";
import type { Shape } from "../../math/tensor.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { Architecture } from "../architecture.ts";
import { isExported } from "../export.ts";
import type { ImportedOptions } from "../imported-network.ts";
import { importModel, readModelNode, readOnnxBytes } from "../node.ts";
import { latestCheckpoint } from "./checkpoints.ts";
import { modelOfCheckpoint, modelOfFile, modelOfNetwork, type OpenModel } from "./open-model.ts";

/** How an imported file is read, and the runtime that checks it. */
export interface OpenOptions extends ImportedOptions {
  readonly runtime?: Runtime;
  /** The network of a run directory that was trained with `ownModel`. */
  readonly ownModel?: Architecture;
  /** The shape of the images that the network will see, used if `shape` is not given; not recorded. */
  readonly images?: Shape;
}

/** The bytes; throws `UsageError` if they belong to another format than a checkpoint. */
function requireCheckpoint(path: string, bytes: Uint8Array): Uint8Array {
  if (contentsKind(bytes)?.code === "onnx")
    throw new UsageError(
      `${path} is an ONNX model whose name does not end in .onnx; rename it, and give that name`,
      { code: "bad-file" },
    );
  const needed = "an ONNX model (.onnx) or a checkpoint (.safetensors)";
  const other = otherKind(path, bytes, needed, ["safetensors"]);
  if (other !== undefined) throw new UsageError(other, { code: "bad-file" });
  return bytes;
}

/** The error for a folder without checkpoints; suggests an ONNX file in it. */
async function noCheckpointsError(path: string): Promise<UsageError> {
  const names = await whileReading(path, readdir(path));
  const networks = names.filter((name) => /\.onnx(\.gz)?$/.test(name)).sort();
  const [first] = networks.includes("model.onnx") ? ["model.onnx"] : networks;
  if (first === undefined)
    return new UsageError(`${path} has no checkpoints; give the --out of a training run`, {
      code: "not-found",
    });
  const others = networks.length === 1 ? "" : ` and ${networks.length - 1} more .onnx`;
  return new UsageError(
    `${path} is a folder without checkpoints, but it holds ${first}${others}; give the file: ${join(path, first)}`,
    { code: "not-found" },
  );
}

/**
 * Opens a run directory (its newest checkpoint), a checkpoint, or any .onnx file, gzipped or not. Throws `UsageError`.
 */
export async function openModelNode(
  path: string,
  { runtime, images, ownModel, ...reading }: OpenOptions = {},
): Promise<OpenModel> {
  const stats = await whileReading(path, orMissing(stat(path), undefined));
  if (stats === undefined)
    throw new UsageError(
      `${path}: there is no such run directory or file; give the --out of a training run, a .safetensors or an .onnx file`,
      { code: "not-found" },
    );
  if (stats.isDirectory()) {
    const latest = await latestCheckpoint(nodeFiles(path));
    if (latest === undefined) throw await noCheckpointsError(path);
    return modelOfCheckpoint(latest.checkpoint, path, `${path}/${latest.name}`, ownModel);
  }
  if (!/\.onnx(\.gz)?$/.test(path))
    return modelOfFile(requireCheckpoint(path, await readBytes(path)), path);
  const bytes = await readOnnxBytes(path);
  const model = await readModelNode(path, bytes);
  if (isExported(model.metadata)) return modelOfFile(bytes, path.replace(/\.gz$/, ""));
  const weights = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const options = { ...reading, shape: reading.shape ?? images };
  const opened = modelOfNetwork(
    await importModel(model, path, options, runtime),
    path,
    weights,
    reading,
  );
  const hasOurMetadata = Object.keys(model.metadata).some((key) => key.startsWith("rampart."));
  if (!hasOurMetadata) return opened;
  const note: Note = {
    code: "metadata-lost",
    text: `${path} has metadata of rampart and does not name its architecture: it was changed since export, and is read as any other ONNX file`,
  };
  const notes = opened.notes ?? [];
  return { ...opened, notes: [...notes, note] };
}
