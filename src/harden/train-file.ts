// What the training of a third-party file is started with, on any platform.
import type { Dataset } from "../data/dataset.ts";
import { subset } from "../data/held-out.ts";
import { warmupRefusal } from "../defenses/objective.ts";
import { defenseNamed } from "../defenses/table.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Host } from "../files/host/host.ts";
import { memoryStorage } from "../files/storage/storage.ts";
import { defined } from "../math/defined.ts";
import type { OnNote } from "../math/note.ts";
import { classifier } from "../models/classifier.ts";
import type { Noise } from "../noise/noise.ts";
import { defenseSettings } from "../train/defense-settings.ts";
import { resolveOptions, type TrainOptions } from "../train/options.ts";
import { checksPerEpoch } from "../train/selection.ts";
import { exampleKeys } from "../train/streams.ts";
import { trainModel } from "../train/train-model.ts";
import type { TrainingRequest } from "../train/training-request.ts";
import { type Accuracy, validate, validationAttacks } from "../train/validation.ts";
import { percent } from "../train/validation-record.ts";
import type { OpenedFile } from "./open-trained.ts";
import { preprocessingNote } from "./stated-preprocessing.ts";
import {
  affordableImages,
  lengthFor,
  plannedSeconds,
  timeLimit,
  timesOf,
  trialLength,
} from "./time-budget.ts";
import { requireBatch, type TrainedFile, trainedFile } from "./trained-file.ts";

/** An open file, and how its training is watched and recorded. */
export interface FileTrainingContext {
  /** The file as the record names it. */
  readonly path: string;
  readonly opened: OpenedFile;
  /** Whether the run has begun before: its options are then those that it recorded. */
  readonly hasBegun: boolean;
  readonly runtime: Runtime;
  readonly host: Host;
  readonly noiseNamed?: ((name: string) => Noise) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly note?: OnNote | undefined;
  readonly command?: string | undefined;
  /** The length of the training in place of epochs. */
  readonly minutes?: number | undefined;
  /** Fills in what suits a trained file: a small rate, a validation split, and radii that grow if it is undefended. */
  readonly hardens?: boolean | undefined;
}

/** What `trainModel` gets besides the options and the platform. */
export type FileTrainingRequest = Pick<
  TrainingRequest,
  "ownModel" | "ownData" | "from" | "writeModel" | "signal" | "limit" | "note" | "command"
>;

/** Images on which it is decided whether a file is undefended, and the share of clean accuracy that is left of such a file. */
const [PROBED, UNDEFENDED] = [128, 0.25];
/** What hardening adds by default. */
const [VALIDATION, MIN_REST, WARMUP, CLIP] = [512, 10, 0.3, 1];

/** Options with those that suit a trained file where none are given. `size` is the number of training images. */
export function hardeningDefaults(given: TrainOptions, size: number): TrainOptions {
  const used = Math.min(given.examples ?? size, size);
  return Object.assign(
    {
      recipe: "harden",
      clipGradient: CLIP,
      validation: Math.max(1, Math.min(VALIDATION, Math.floor(used / MIN_REST))),
    },
    defined(given),
  );
}

/** The accuracy on training images, where attacks leave next to nothing of it; null for other files. */
async function undefendedAccuracy(
  given: TrainOptions,
  { opened: { model, dataset }, runtime, noiseNamed }: FileTrainingContext,
): Promise<(Accuracy & { readonly examples: number }) | null> {
  const options = resolveOptions(given);
  const defense = defenseNamed(options.defense, defenseSettings(options), noiseNamed);
  const count = Math.min(PROBED, dataset.train.size);
  const split = subset(
    dataset.train,
    Array.from({ length: count }, (_, i) => Math.floor((i * dataset.train.size) / count)),
  );
  const network = classifier(runtime, model.architecture, model.parameters);
  try {
    const attacks = validationAttacks(defense, options);
    if (attacks.length === 0 || warmupRefusal(defense.objective) !== undefined) return null;
    const keysOf = (indices: readonly number[]) =>
      exampleKeys(options.seed, "validation", 0, indices);
    const accuracy = await validate(network, defense, attacks, split, keysOf);
    if (accuracy.robust >= UNDEFENDED * accuracy.clean) return null;
    return Object.assign(accuracy, { examples: count });
  } finally {
    await network.release();
  }
}

/** The options of a new run. */
async function hardeningOptions(
  given: TrainOptions,
  context: FileTrainingContext,
): Promise<TrainOptions> {
  const options = hardeningDefaults(given, context.opened.dataset.train.size);
  if (given.epsilonWarmup !== undefined) return options;
  const found = await undefendedAccuracy(options, context);
  if (found === null) return options;
  context.note?.({
    code: "warmup",
    text: `the file is undefended (${percent(found.clean)} of ${found.examples} training images right, ${percent(found.robust)} under attack), so the radii of the attacks grow over the first ${100 * WARMUP} % of the training (--epsilon-warmup)`,
  });
  return Object.assign(options, { epsilonWarmup: WARMUP });
}

/**
 * The images of a training. The run records their mean and std as those of the first layer, and a file of our own keeps its
 * first layer.
 */
const imagesOf = ({ model, dataset }: OpenedFile): Dataset =>
  model.reading === undefined
    ? Object.assign({}, dataset, { mean: model.input.mean, std: model.input.std })
    : dataset;

/** What both a trial and the run itself are started with. */
const requestOf = (
  { network, files }: TrainedFile,
  { opened, path, signal, note, command }: FileTrainingContext,
): FileTrainingRequest => {
  const { model, sha256 } = opened;
  const { reading = {}, defense, data, noise, heldOut } = model;
  return Object.assign(defined({ signal, note, command }), {
    ownModel: network,
    ownData: imagesOf(opened),
    from: { path, sha256, reading, model: { defense, data, noise, heldOut } },
    writeModel: async (run, checkpoint) => {
      for (const [name, bytes] of files(checkpoint)) await run.write(name, bytes);
    },
  } satisfies FileTrainingRequest);
};

/** Validation images of a trial. */
const TRIED = 128;

/**
 * The options with as many epochs and images as fit into the minutes, of which `elapsed()` seconds have passed. Steps and checks
 * are timed in a trial that is thrown away. Validation images are fewer if a check would take too long, and their number is not
 * among the options `given`.
 */
async function withinMinutes(
  options: TrainOptions,
  { given, minutes, elapsed }: Budget,
  request: FileTrainingRequest,
  { opened: { dataset }, runtime, host, noiseNamed, signal, note }: FileTrainingContext,
): Promise<TrainOptions> {
  const resolved = resolveOptions(options);
  const { batch, validation = 0, examples } = resolved;
  /** An epoch of a training with this number of validation images. */
  const epochBeside = (held: number) => {
    const rest = dataset.train.size - held;
    return { images: Math.min(examples ?? rest, rest), batch };
  };
  const tried = Math.min(TRIED, validation);
  const trial = Object.assign({}, options, trialLength(epochBeside(validation)));
  if (tried > 0) trial.validation = tried;
  for (const name of ["maxCleanLoss", "patience"] as const) delete trial[name];
  const events = trainModel(
    trial,
    Object.assign({}, request, {
      storage: memoryStorage(),
      host,
      startRuntime: async () => runtime,
      openData: async () => dataset,
      noiseNamed,
    }),
  );
  const times = await timesOf(events, { signal });
  const left = plannedSeconds(minutes, elapsed());
  const perImage = times.check / Math.max(1, tried);
  const checked =
    given.validation === undefined ? affordableImages(validation, perImage, left) : validation;
  const check = perImage * checked;
  const defense = defenseNamed(resolved.defense, defenseSettings(resolved), noiseNamed);
  const length = lengthFor(
    left,
    Object.assign({}, times, { check }),
    Object.assign({ checks: checksPerEpoch(defense) }, epochBeside(checked)),
  );
  const images = length.examples === undefined ? "" : ` of ${length.examples} images`;
  const epochs = length.epochs === 1 ? "1 epoch" : `${length.epochs} epochs`;
  note?.({
    code: "time-budget",
    text: `a step takes ${times.step.toPrecision(2)} s and a check on ${checked} validation images ${check.toPrecision(2)} s, so --minutes ${minutes} is a training of ${epochs}${images}`,
  });
  return Object.assign({}, options, defined({ validation: checked || undefined, ...length }));
}

/** The time of a training. */
interface Budget {
  /** The options as the caller gives them. */
  readonly given: TrainOptions;
  readonly minutes: number;
  /** Seconds. */
  readonly elapsed: () => number;
}

/** The options of a run that has not begun. Says that nothing is written if the signal aborts before it does. */
async function newOptions(
  options: TrainOptions,
  request: FileTrainingRequest,
  budget: Omit<Budget, "minutes">,
  context: FileTrainingContext,
): Promise<TrainOptions> {
  const { opened, hardens = false, minutes, signal, note } = context;
  try {
    const doubt = await preprocessingNote(opened, context);
    if (doubt !== null) note?.(doubt);
    const ready = hardens ? await hardeningOptions(options, context) : options;
    if (minutes === undefined) return ready;
    return await withinMinutes(ready, Object.assign({ minutes }, budget), request, context);
  } catch (error) {
    if (signal?.aborted)
      note?.({
        code: "unfinished",
        text: "stopped before the training; nothing is written, so give the same command again",
      });
    throw error;
  }
}

/** The options of the training of a file, and what it is started with. Throws `UsageError` for a file that cannot be trained. */
export async function fileTraining(
  given: TrainOptions,
  context: FileTrainingContext,
): Promise<{ readonly options: TrainOptions; readonly request: FileTrainingRequest }> {
  const { opened, hasBegun, minutes } = context;
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const limit = minutes === undefined ? undefined : timeLimit(minutes);
  const { model, file, sha256, dataset } = opened;
  const { statistics = "frozen" } = given;
  const trained = trainedFile(model, file, sha256, { batchStatistics: statistics === "batch" });
  const request = requestOf(trained, context);
  const stated: TrainOptions = Object.assign({}, given, {
    model: trained.network.name,
    data: dataset.name,
  });
  const limited = Object.assign({}, request, { limit });
  if (hasBegun) return { options: stated, request: limited };
  const options = await newOptions(stated, request, { given, elapsed }, context);
  requireBatch(dataset, resolveOptions(options));
  return { options, request: limited };
}
