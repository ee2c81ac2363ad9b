import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { nodeRuntime } from "../../engine/runtime/node.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import { nodeHost } from "../../files/host/node.ts";
import { contentsKind, otherKind } from "../../files/kind.ts";
import { orMissing } from "../../files/node.ts";
import { readBytes, readTextIfThere, whileReading } from "../../files/read/node.ts";
import { nodeFiles } from "../../files/run/node.ts";
import { defined } from "../../math/defined.ts";
import { UsageError } from "../../math/usage-error.ts";
import { readOnnxFile } from "../node.ts";
import { modelOfCheckpointFile, modelOfRun, type OpenModel } from "./open-model.ts";
import { type OpenOptions, openOnnx } from "./open-onnx.ts";
import { isOwnExport } from "./own-export.ts";

export type { OpenOptions } from "./open-onnx.ts";

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

const Source = z.looseObject({
  from: z.object({
    reading: z
      .object({
        mean: z.array(z.number()).optional(),
        std: z.array(z.number()).optional(),
        scale: z.number().optional(),
        layout: z.enum(["nchw", "nhwc"]).optional(),
        channelOrder: z.enum(["rgb", "bgr"]).optional(),
        shape: z.array(z.number()).optional(),
        input: z.string().optional(),
        output: z.string().optional(),
        constants: z.record(z.string(), z.number()).optional(),
      })
      .catch({}),
  }),
});

/**
 * The trained file of a run that started from a third-party file, and how that was read; null for other runs. Throws
 * `UsageError` if the run has not written it yet.
 */
async function trainedFileIn(path: string, runtime: () => Promise<Runtime>) {
  const config = await readTextIfThere(join(path, "config.json"));
  const source = config === null ? undefined : Source.safeParse(jsonOf(config)).data;
  if (source === undefined) return null;
  const file = join(path, "model.onnx");
  if ((await orMissing(stat(file), undefined)) === undefined)
    throw new UsageError(`${path} trains a file and has written no model yet`, {
      code: "not-found",
      next: "resume it first; stopped with Ctrl-C, it writes the best checkpoint so far",
    });
  // One of our own networks, which is in the checkpoints, too.
  if (await isOwnExport(await readOnnxFile(file), runtime)) return null;
  return { file, reading: source.from.reading };
}

/** The value of a JSON text; null if it is none. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * Opens a run directory (its newest checkpoint), a checkpoint, or any .onnx file, gzipped or not. Throws `UsageError`.
 */
export async function openModelInNode(
  path: string,
  { runtime, images, ownModel, ...reading }: OpenOptions = {},
): Promise<OpenModel> {
  const stats = await whileReading(path, orMissing(stat(path), undefined));
  if (stats === undefined)
    throw new UsageError(
      `${path}: there is no such run directory or file; give the --out of a training run, a .safetensors or an .onnx file`,
      { code: "not-found" },
    );
  const start = async () => runtime ?? nodeRuntime();
  if (stats.isDirectory()) {
    const trained = await trainedFileIn(path, start);
    if (trained !== null)
      return openModelInNode(trained.file, {
        ...defined(trained.reading),
        ...reading,
        runtime,
        images,
      });
    const model = await modelOfRun(nodeFiles(path), ownModel);
    if (model === undefined) throw await noCheckpointsError(path);
    return model;
  }
  if (!/\.onnx(\.gz)?$/.test(path))
    return modelOfCheckpointFile(requireCheckpoint(path, await readBytes(path)), path);
  return openOnnx(
    await readOnnxFile(path),
    { ...reading, images },
    { host: nodeHost, runtime: start },
  );
}
