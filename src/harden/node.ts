// Trains a third-party file in a run directory of this machine.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AuditedFile, AuditRequest } from "../audit/audit-request.ts";
import { nodeSource } from "../audit/node.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { nodeHost } from "../files/host/node.ts";
import type { OnNote } from "../math/note.ts";
import { UsageError } from "../math/usage-error.ts";
import { readOnnxFile } from "../models/node.ts";
import { onnxFile } from "../models/opening/open-onnx.ts";
import { noiseNamedInNode } from "../noise/node.ts";
import type { TrainEvent } from "../train/events.ts";
import { trainInNode } from "../train/node.ts";
import type { TrainOptions } from "../train/options.ts";
import { type OpenedFile, openTrained, requestedFile } from "./open-trained.ts";
import { fileTraining } from "./train-file.ts";
import { MODEL_FILE } from "./trained-file.ts";

/** The file to train, how it is read, and where it is trained. */
export interface FileTraining extends AuditedFile {
  /** The .onnx file. */
  readonly path: string;
  /** The run directory. */
  readonly out: string;
  readonly runtime: Runtime;
  readonly resume?: boolean;
  readonly dataDir?: string | undefined;
  readonly signal?: AbortSignal;
  readonly note?: OnNote;
  readonly command?: string;
  /** The length of the training in place of epochs. */
  readonly minutes?: number | undefined;
  /** Fills in what suits a trained file: a small rate, a validation split, and radii that grow if it is undefended. */
  readonly hardens?: boolean;
}

/** What `FileTraining` has besides the reading of the file. */
const OWN = ["path", "out", "resume", "dataDir", "signal", "command", "minutes", "hardens"];

/** Opens the file, or `changed` in its place, and the images. */
export async function openForTraining(
  training: FileTraining,
  data: string | undefined,
  changed?: { readonly bytes: Uint8Array; readonly external: ReadonlyMap<string, Uint8Array> },
): Promise<OpenedFile> {
  const { path, runtime, dataDir } = training;
  const reading = Object.fromEntries(
    Object.entries(training).filter(([name]) => !OWN.includes(name)),
  );
  const request = Object.assign(reading, {
    runtime,
    data,
    host: nodeHost,
    source: nodeSource(path, { dataDir, runtime }),
  }) as unknown as AuditRequest;
  const file =
    changed === undefined
      ? await requestedFile(request)
      : onnxFile(path, changed.bytes, changed.external);
  return openTrained(request, file);
}

/** The trained file in a run directory, read as the original was. */
export async function openHardened(
  training: FileTraining,
  data: string | undefined,
): Promise<OpenedFile> {
  const { bytes, model } = await readOnnxFile(join(training.out, MODEL_FILE));
  const quiet = Object.assign({}, training, { note: () => undefined });
  return openForTraining(quiet, data, { bytes, external: model.external });
}

/** The run's SHA-256 of the file that it started from; undefined for a run of an architecture. */
async function recordedSource(out: string): Promise<string | undefined> {
  const text = await readFile(join(out, "config.json"), "utf8").catch(() => "{}");
  try {
    return (JSON.parse(text) as { from?: { sha256?: string } }).from?.sha256;
  } catch {
    return undefined;
  }
}

/**
 * Trains a file in a run directory, which gets what `trainInNode` writes, with the file's own `model.onnx`. A resumed run needs
 * the same file. Throws `UsageError` for files, images and options that do not fit.
 */
export async function* trainFileInNode(
  given: TrainOptions,
  training: FileTraining,
): AsyncGenerator<TrainEvent, void, void> {
  const { out, runtime, resume = false, minutes, hardens } = training;
  const opened = await openForTraining(training, given.data);
  const { sha256 } = opened;
  const recorded = resume ? await recordedSource(out) : undefined;
  if (recorded !== undefined && recorded !== sha256)
    throw new UsageError(`${training.path} is not the file that ${out} was started with`, {
      code: "misfit",
      next: "give that file, or start another --out",
    });
  const { signal, note, command, path } = training;
  const { options, request } = await fileTraining(given, {
    path,
    opened,
    hasBegun: recorded !== undefined,
    runtime,
    host: nodeHost,
    noiseNamed: noiseNamedInNode,
    signal,
    note,
    command,
    minutes,
    hardens,
  });
  yield* trainInNode(options, Object.assign({}, request, { out, runtime, resume }));
}
