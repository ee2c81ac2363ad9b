// Trains a third-party file in a run directory of this machine.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AuditedFile, AuditRequest } from "../audit/audit-request.ts";
import { nodeSource } from "../audit/node.ts";
import { subset } from "../data/held-out.ts";
import { defenseNamed } from "../defenses/table.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { nodeHost } from "../files/host/node.ts";
import { memoryStorage } from "../files/storage/storage.ts";
import { defined } from "../math/defined.ts";
import type { OnNote } from "../math/note.ts";
import { UsageError } from "../math/usage-error.ts";
import { classifier } from "../models/classifier.ts";
import { readOnnxFile } from "../models/node.ts";
import { onnxFile } from "../models/opening/open-onnx.ts";
import { noiseNamedInNode } from "../noise/node.ts";
import { defenseSettings } from "../train/defense-settings.ts";
import type { TrainEvent } from "../train/events.ts";
import { trainInNode } from "../train/node.ts";
import { resolveOptions, type TrainOptions } from "../train/options.ts";
import { exampleKeys } from "../train/streams.ts";
import { trainModel } from "../train/train-model.ts";
import type { TrainingRequest } from "../train/training-request.ts";
import { validate, validationAttacks } from "../train/validation.ts";
import { type OpenedFile, openTrained, requestedFile } from "./open-trained.ts";
import { lengthFor, secondsPerStep } from "./time-budget.ts";
import { MODEL_FILE, requireBatch, type TrainedFile, trainedFile } from "./trained-file.ts";

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

/** Images on which it is decided whether a file is undefended, and the share of clean accuracy that is left of such a file. */
const [PROBED, UNDEFENDED] = [128, 0.25];
/** What hardening adds by default. */
const [VALIDATION, MIN_REST, WARMUP, CLIP] = [512, 10, 0.3, 1];

/** Whether attacks on training images leave next to nothing of the accuracy. */
async function isUndefended(
  { model, dataset }: OpenedFile,
  given: TrainOptions,
  runtime: Runtime,
): Promise<boolean> {
  const options = resolveOptions(given);
  const defense = defenseNamed(options.defense, defenseSettings(options), noiseNamedInNode);
  const count = Math.min(PROBED, dataset.train.size);
  const split = subset(
    dataset.train,
    Array.from({ length: count }, (_, i) => Math.floor((i * dataset.train.size) / count)),
  );
  const network = classifier(runtime, model.architecture, model.parameters);
  try {
    const attacks = validationAttacks(defense, options);
    if (attacks.length === 0) return false;
    const keysOf = (indices: readonly number[]) =>
      exampleKeys(options.seed, "validation", 0, indices);
    const { clean, robust } = await validate(network, defense, attacks, split, keysOf);
    return robust < UNDEFENDED * clean;
  } finally {
    await network.release();
  }
}

/** The options of a new run, with those that suit a trained file where none are given. */
async function hardeningOptions(
  given: TrainOptions,
  opened: OpenedFile,
  { runtime, note }: FileTraining,
): Promise<TrainOptions> {
  const { size } = opened.dataset.train;
  const used = Math.min(given.examples ?? size, size);
  const options: TrainOptions = Object.assign(
    {
      recipe: "harden",
      clipGradient: CLIP,
      validation: Math.max(1, Math.min(VALIDATION, Math.floor(used / MIN_REST))),
    },
    defined(given),
  );
  if (given.epsilonWarmup !== undefined || !(await isUndefended(opened, options, runtime)))
    return options;
  note?.({
    code: "warmup",
    text: `the file is undefended, so the radii of the attacks grow over the first ${100 * WARMUP} % of the training (--epsilon-warmup)`,
  });
  return Object.assign(options, { epsilonWarmup: WARMUP });
}

/** What both a trial and the run itself are started with. */
const requestOf = (
  { network, files }: TrainedFile,
  { model, dataset, sha256 }: OpenedFile,
  { path, signal, note, command }: FileTraining,
): Pick<TrainingRequest, "ownModel" | "ownData" | "from" | "writeModel"> => {
  const { reading = {} } = model;
  return Object.assign(defined({ signal, note, command }), {
    ownModel: network,
    ownData: dataset,
    from: { path, sha256, reading },
    writeModel: async (run, checkpoint) => {
      for (const [name, bytes] of files(checkpoint)) await run.write(name, bytes);
    },
  } satisfies Pick<TrainingRequest, "ownModel" | "ownData" | "from" | "writeModel">);
};

/** The options with as many epochs or images as fit into the minutes, measured on a few steps that are thrown away. */
async function withinMinutes(
  options: TrainOptions,
  minutes: number,
  request: ReturnType<typeof requestOf>,
  { runtime, note }: FileTraining,
): Promise<TrainOptions> {
  const trial = Object.assign({}, options, { epochs: 1 });
  for (const name of ["validation", "maxCleanLoss", "patience"] as const) delete trial[name];
  const seconds = await secondsPerStep(
    trainModel(
      trial,
      Object.assign({}, request, {
        storage: memoryStorage(),
        host: nodeHost,
        startRuntime: async () => runtime,
        openData: async () => request.ownData as never,
        noiseNamed: noiseNamedInNode,
      }),
    ),
  );
  const { batch, validation = 0, examples } = resolveOptions(options);
  const images = examples ?? (request.ownData?.train.size ?? 0) - validation;
  const length = lengthFor(minutes, { seconds, images, batch });
  note?.({
    code: "time-budget",
    text: `a step takes ${seconds.toPrecision(2)} s, so ${minutes} minutes are ${length.epochs} epochs${length.examples === undefined ? "" : ` of ${length.examples} images`}`,
  });
  return Object.assign({}, options, defined(length));
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
  const { out, runtime, resume = false, minutes, hardens = false } = training;
  const opened = await openForTraining(training, given.data);
  const { model, file, sha256, dataset } = opened;
  const recorded = resume ? await recordedSource(out) : undefined;
  if (recorded !== undefined && recorded !== sha256)
    throw new UsageError(`${training.path} is not the file that ${out} was started with`, {
      code: "misfit",
      next: "give that file, or start another --out",
    });
  const { statistics = "frozen" } = given;
  const trained = trainedFile(model, file, sha256, { batchStatistics: statistics === "batch" });
  const named = Object.assign({}, given, { model: trained.network.name, data: dataset.name });
  const request = requestOf(trained, opened, training);
  let options: TrainOptions = named;
  if (recorded === undefined) {
    if (hardens) options = await hardeningOptions(named, opened, training);
    if (minutes !== undefined) options = await withinMinutes(options, minutes, request, training);
    requireBatch(dataset, resolveOptions(options));
  }
  yield* trainInNode(options, Object.assign({}, request, { out, runtime, resume }));
}
