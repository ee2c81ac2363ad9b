import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, sep } from "node:path";
import { gunzipSync } from "node:zlib";
import { externalLocations, type OnnxModel, readModel } from "../engine/onnx/model.ts";
import { type NodeRuntimeOptions, nodeRuntime } from "../engine/runtime/node.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { MAX_ARRAYS, readBytes } from "../files/read/node.ts";
import { uniform } from "../math/distributions.ts";
import type { NoteCode } from "../math/note.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { UsageError } from "../math/usage-error.ts";
import {
  BATCH_CHECKED,
  batchDependence,
  describeDependence,
  oneByOne,
} from "./batch-dependence.ts";
import type { ImportedNetwork, ImportedOptions } from "./imported-network.ts";
import { type Network, network } from "./network.ts";
import { importOnnx, type OnnxFile, requireOnnx } from "./opening/open-onnx.ts";

/** The maximum bytes of a gzipped model of `packed` bytes once it is unpacked. */
const maxUnpacked = (packed: number): number =>
  Math.min(MAX_ARRAYS, Math.max(2 ** 28, 32 * packed));

/**
 * The bytes of an ONNX file, unpacked if it is gzipped. Throws `UsageError` for other formats and damaged gzip files.
 */
export async function readOnnxBytes(path: string): Promise<Uint8Array> {
  const bytes = await readBytes(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return requireOnnx(path, bytes);
  try {
    return requireOnnx(path, gunzipSync(bytes, { maxOutputLength: maxUnpacked(bytes.length) }));
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new UsageError(
        `${path} (${bytes.length} bytes) unpacks to more than ${maxUnpacked(bytes.length)} bytes; it was made to exhaust this machine, so unpack it yourself if you trust it`,
        { code: "bad-file", cause },
      );
    throw new UsageError(`${path} is a truncated or damaged gzip file`, {
      code: "bad-file",
      cause,
    });
  }
}

/** The bytes of a file beside a model. Never opens a file outside the model's folder, links included. */
async function readExternal(path: string, location: string): Promise<Uint8Array> {
  const folder = await realpath(dirname(path));
  const outside = new UsageError(
    `${path} keeps arrays in ${JSON.stringify(location)}, which is outside its own folder; it was not opened`,
    { code: "bad-file" },
  );
  if (location === "" || isAbsolute(location) || location.split(/[\\/]/).includes(".."))
    throw outside;
  const full = join(folder, location);
  const real = await realpath(full).catch(() => {
    throw new UsageError(
      `${path} keeps arrays in ${location}, which is not beside it; copy both files`,
      { code: "not-found" },
    );
  });
  if (!real.startsWith(folder + sep)) throw outside;
  return readBytes(real);
}

/**
 * An ONNX file as parsed messages, with the arrays that it keeps in files beside it. `given` are its bytes, if already
 * read.
 */
export async function readModelInNode(path: string, given?: Uint8Array): Promise<OnnxModel> {
  const bytes = given ?? (await readOnnxBytes(path));
  const locations = externalLocations(bytes);
  const files = await Promise.all(
    locations.map(async (location) => [location, await readExternal(path, location)] as const),
  );
  return readModel(bytes, new Map(files));
}

/** Reads an ONNX file once, unpacked if it is gzipped. Throws `UsageError`. */
export async function readOnnxFile(path: string): Promise<OnnxFile> {
  const bytes = await readOnnxBytes(path);
  return { path, bytes, model: await readModelInNode(path, bytes) };
}

/** The classifier in an ONNX file. Throws `UsageError` for what cannot be read. */
export const importModelInNode = async (
  path: string,
  options: ImportedOptions = {},
  runtime?: Runtime,
): Promise<ImportedNetwork> =>
  importOnnx({ model: await readModelInNode(path), path }, options, async () => {
    return runtime ?? nodeRuntime();
  });

/** How a file is opened as a function of arrays. */
export interface OpenNetworkOptions extends ImportedOptions, NodeRuntimeOptions {
  /** Receives notes that concern the outputs. */
  readonly note?: (line: string) => void;
}

/** Notes that say why images run one by one. */
const RUN_ALONE: ReadonlySet<NoteCode> = new Set(["no-batch-axis", "batch-last", "single-image"]);

/** Opens an ONNX file as a function. If outputs depend on the other inputs of a batch, every input runs alone. */
export async function openNetworkInNode(
  path: string,
  { threads, device, note = () => undefined, ...options }: OpenNetworkOptions = {},
): Promise<Network> {
  const runtime = await nodeRuntime({ threads, device });
  const imported = await importModelInNode(path, { ...options, raw: true }, runtime);
  const keys = keysFor(
    keyOf(0),
    Array.from({ length: BATCH_CHECKED }, (_, i) => i),
  );
  const images = uniform(keys, [keys.length, ...imported.inputShape]);
  const dependence = await batchDependence(runtime, imported, {
    images,
    size: BATCH_CHECKED,
  });
  for (const { code, text } of imported.notes) if (RUN_ALONE.has(code)) note(text);
  if (dependence === null) return network(runtime, imported);
  note(`${describeDependence(dependence)}; every input is run alone`);
  return network(runtime, { ...imported, ...oneByOne(imported) });
}
