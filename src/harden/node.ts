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
import type { TrainingSource } from "../train/training-request.ts";
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

/** The trained file in a run directory, read as the original was, and under its name. */
export async function openHardened(
  training: FileTraining,
  data: string | undefined,
): Promise<OpenedFile> {
  const path = join(training.out, MODEL_FILE);
  const { bytes, model } = await readOnnxFile(path);
  const quiet = Object.assign({}, training, { note: () => undefined });
  const opened = await openForTraining(quiet, data, { bytes, external: model.external });
  return Object.assign({}, opened, { model: Object.assign({}, opened.model, { path }) });
}

/** What config.json records of a run that started from a file. */
interface Begun {
  readonly from: TrainingSource;
  readonly options: Pick<TrainOptions, "data" | "statistics">;
}

/** The record of a run; undefined for a run of an architecture, and where there is none that can be read. */
async function recordedRun(out: string): Promise<Begun | undefined> {
  const text = await readFile(join(out, "config.json"), "utf8").catch(() => "{}");
  try {
    const { from, options } = JSON.parse(text) as Partial<Begun>;
    return from && options && { from, options };
  } catch {
    return undefined;
  }
}

/**
 * Readings that may change: the file of class names, which may have moved (the classes themselves are compared later), and a
 * limit on the size of a file.
 */
const UNCOMPARED = ["classes", "maxConstants"];

/** Throws `UsageError` if a run was started with another file, or with another reading of it. */
function requireSameFile(
  { path, out }: FileTraining,
  { from: { sha256, reading } }: Begun,
  opened: OpenedFile,
): void {
  if (sha256 !== opened.sha256)
    throw new UsageError(`${path} is not the file that ${out} was started with`, {
      code: "misfit",
      next: "give that file, or start another --out",
    });
  const { reading: now = {} } = opened.model;
  // False is the default of every flag that has two values.
  const text = (value: unknown) => (value ? JSON.stringify(value) : "not set");
  const differ = Object.keys(Object.assign({}, reading, now))
    .filter((name) => !UNCOMPARED.includes(name) && text(reading[name]) !== text(now[name]))
    .map((name) => `${name} ${text(now[name])} (was ${text(reading[name])})`);
  if (differ.length > 0)
    throw new UsageError(
      `${out} was started with another reading of ${path}: it is now read with ${differ.join(", ")}`,
      { code: "misfit", next: "read the file as before, or start another --out" },
    );
}

/**
 * Trains a file in a run directory, which gets what `trainInNode` writes, with the file's own `model.onnx`. A resumed run needs
 * the same file, read in the same way; its other options are those of config.json. Throws `UsageError` for files, images and
 * options that do not fit.
 */
export async function* trainFileInNode(
  given: TrainOptions,
  training: FileTraining,
): AsyncGenerator<TrainEvent, void, void> {
  const { out, runtime, resume = false, minutes, hardens } = training;
  const begun = resume ? await recordedRun(out) : undefined;
  const known = Object.assign({}, given, {
    data: given.data ?? begun?.options.data,
    statistics: given.statistics ?? begun?.options.statistics,
  });
  const opened = await openForTraining(training, known.data);
  if (begun !== undefined) requireSameFile(training, begun, opened);
  const { signal, note, command, path } = training;
  const { options, request } = await fileTraining(known, {
    path,
    opened,
    hasBegun: begun !== undefined,
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
