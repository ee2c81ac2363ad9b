// Trainings on any platform: the run's files are in a storage, and the platform opens the runtime and the data.
import type { Dataset, Split } from "../data/dataset.ts";
import { withHeldOutTest } from "../data/held-out.ts";
import { findDataset } from "../data/table.ts";
import { withValidation } from "../data/validation-split.ts";
import { replacesExamples } from "../defenses/objective.ts";
import { type Defense, defenseNamed } from "../defenses/table.ts";
import { withWeightPerturbation } from "../defenses/weight-perturbation.ts";
import type { RuntimeTarget } from "../engine/runtime/runtime.ts";
import type { WorkLease } from "../files/lease/lease.ts";
import type { RunFiles } from "../files/run/run-files.ts";
import { version } from "../files/version.ts";
import { recordedPlugins } from "../math/plugin.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "../models/architecture.ts";
import { architecture } from "../models/architectures.ts";
import { exportOnnx } from "../models/export.ts";
import { withForeignErrors } from "../models/foreign-errors.ts";
import { noiseNamed as plainNoise } from "../noise/table.ts";
import { requirePhases, requireSmoothable } from "./batch-trainer.ts";
import { defenseSettings } from "./defense-settings.ts";
import type { TrainEvent } from "./events.ts";
import {
  type ResolvedOptions,
  refuseOtherOptions,
  resolveOptions,
  type TrainOptions,
} from "./options.ts";
import { growthRefusal, type WarmedUp, warmedUp } from "./radius-warmup.ts";
import {
  holdsRun,
  recordedDefense,
  refuseOccupied,
  refuseOtherDefense,
  requireRunPlugins,
  storedLowering,
  storedOptions,
  storedTrainImages,
  writeConfig,
} from "./run-config.ts";
import { runKey } from "./streams.ts";
import { metadataOf, train } from "./train.ts";
import type { TrainingRequest } from "./training-request.ts";
import { isOneStep } from "./validation.ts";

/** The defence of a run, with radii that grow if the options ask for it. */
function warmedUpDefense(
  options: ResolvedOptions,
  { ownDefense, noiseNamed = plainNoise }: Pick<TrainingRequest, "ownDefense" | "noiseNamed">,
  isResumed: boolean,
): WarmedUp {
  const { awp, epsilonWarmup = 0 } = options;
  // A run of an earlier version has no `awp`.
  const perturbed = (one: Defense) =>
    typeof awp === "number" ? withWeightPerturbation(one, awp) : one;
  if (ownDefense !== undefined && epsilonWarmup > 0)
    throw new UsageError(
      `${ownDefense.name} is a value whose radii are fixed, so --epsilon-warmup does not apply; leave it out`,
      { code: "misfit" },
    );
  const make = (scale: number) =>
    perturbed(
      ownDefense ?? defenseNamed(options.defense, defenseSettings(options, scale), noiseNamed),
    );
  if (epsilonWarmup === 0) return { defense: make(1), beforeStep: () => undefined };
  // A run that an earlier version accepted continues.
  const refusal = isResumed ? undefined : growthRefusal(make);
  if (refusal !== undefined)
    throw new UsageError(`--epsilon-warmup does not apply: ${options.defense} ${refusal}`, {
      code: "misfit",
    });
  return warmedUp(make, epsilonWarmup);
}

/** Throws `UsageError` for a radius that a defence by bounds in ℓ∞ would not use. */
function refuseOtherNorms(given: TrainOptions, { name, objective }: Defense): void {
  if (replacesExamples(objective) || objective.provenMargin === undefined) return;
  for (const norm of ["L2", "L1"] as const)
    if (given[`epsilon${norm}`] !== undefined)
      throw new UsageError(
        `${name} trains for ℓ∞ alone, so --epsilon-${norm.toLowerCase()} has no effect; leave it out, and set --epsilon-linf`,
        { code: "misfit" },
      );
}

/** Validation images of a one-step defence that is given none: enough to see it collapse, at least and at most. */
const [MIN_WATCHED, MAX_WATCHED] = [32, 512];
/** One of this many training images at most is held out without being asked for. */
const MIN_REST = 10;

/** How many of `used` training images are held out without being asked for. */
function unaskedImages(used: number, defense: Defense): number {
  const count = Math.min(MAX_WATCHED, Math.floor(used / MIN_REST));
  return isOneStep(defense) && count >= MIN_WATCHED ? count : 0;
}

/**
 * The data set without its validation images, and those; undefined for none. A run that `began` with all images as training
 * images, as those of earlier versions did, continues with all of them.
 */
function validated(
  dataset: Dataset,
  { validation, examples, seed }: ResolvedOptions,
  defense: Defense,
  began: number | undefined,
): { readonly dataset: Dataset; readonly validation?: Split } {
  const { size } = dataset.train;
  const unasked = began === size ? 0 : unaskedImages(Math.min(examples ?? size, size), defense);
  const count = validation ?? unasked;
  return count === 0 ? { dataset } : withValidation(dataset, count, runKey(seed, "validation"));
}

/** The files of a run, written only while the lease is held. */
const leasedFiles = (files: RunFiles, lease: WorkLease): RunFiles => ({
  path: files.path,
  list: (folder) => files.list(folder),
  read: (name) => files.read(name),
  async write(name, contents) {
    await lease.check();
    await files.write(name, contents);
  },
  async append(name, text) {
    await lease.check();
    await files.append(name, text);
  },
  async remove(name) {
    await lease.check();
    await files.remove(name);
  },
});

/**
 * The options of a run, and whether it is resumed. Throws `UsageError` if the folder already has a run, has none to
 * resume, or has one with other options.
 */
async function optionsOf(
  given: TrainOptions,
  { storage, resume = false, ownDefense, ownData }: TrainingRequest,
): Promise<{ readonly options: ResolvedOptions; readonly isResumed: boolean }> {
  const isResumed = resume && (await holdsRun(storage));
  if (!isResumed) {
    await refuseOccupied(storage);
    if (resume && given.defense === undefined)
      throw new UsageError(`${storage.path} holds no run to resume; start one without --resume`, {
        code: "not-found",
      });
    const augment = ownData && (findDataset(ownData.name)?.augment ?? "crop-flip");
    return { options: resolveOptions(given, augment), isResumed };
  }
  await requireRunPlugins(storage);
  const options = await storedOptions(storage);
  refuseOtherOptions(given, options, storage.path);
  if (ownDefense !== undefined) await refuseOtherDefense(storage, ownDefense);
  return { options, isResumed };
}

/** What a training run works with, once everything is open. */
interface OpenTraining {
  readonly options: ResolvedOptions;
  readonly defense: Defense;
  readonly network: Architecture;
  readonly dataset: Dataset;
  readonly target: RuntimeTarget;
}

/** Writes config.json of a new run. */
const recordRun = (
  { storage, host, ownDefense, command, from }: TrainingRequest,
  { options, defense, network, dataset, target }: OpenTraining,
): Promise<void> =>
  writeConfig(storage, {
    options,
    ownDefense: ownDefense === undefined ? null : recordedDefense(ownDefense),
    model: metadataOf(network, dataset, defense),
    attacks: defense.attacks.map((attack) => ({ name: attack.name, ...attack.options })),
    versions: { rampart: version, engine: target.engine },
    target,
    machine: host.machine(),
    command: command ?? null,
    plugins: recordedPlugins(),
    from,
  });

/**
 * Trains in a storage, which gets `config.json`, `metrics.jsonl`, `checkpoints/` and, at the end, `model.onnx`. A resumed run
 * takes its options from the storage; options that are also given must agree. Throws `UsageError`, before anything is written
 * if the options are wrong.
 */
export async function* trainModel(
  given: TrainOptions,
  request: TrainingRequest,
): AsyncGenerator<TrainEvent, void, void> {
  const { storage, signal, limit, note, checkpointSeconds } = request;
  const { options, isResumed } = await optionsOf(given, request);
  const warmed = warmedUpDefense(options, request, isResumed);
  const { defense } = warmed;
  // A file that is hardened is judged in other norms, too.
  if (request.ownModel === undefined) refuseOtherNorms(given, defense);
  if (options.labelSmoothing !== undefined) requireSmoothable(defense.objective);
  const lowering = isResumed ? await storedLowering(storage) : undefined;
  const plainRuntime = await request.startRuntime(lowering);
  const whole = withHeldOutTest(request.ownData ?? (await request.openData(options.data)));
  const began = isResumed ? await storedTrainImages(storage) : undefined;
  const { dataset, validation } = validated(whole, options, defense, began);
  const input = { ...dataset, classes: dataset.classes.length };
  const {
    writeModel = (files, { model, state }) =>
      files.write("model.onnx", exportOnnx(network, state.parameters, model)),
  } = request;
  const network =
    request.ownModel ?? architecture(options.model, input, { dropout: options.dropout });
  const runtime = withForeignErrors(plainRuntime, network);
  requirePhases(defense, network, options.batch);

  const lease = await storage.lease("lease", {
    owned: storage.path,
    remedy: "choose another run directory",
    note,
    signal,
  });
  try {
    await request.prepare?.();
    if (!isResumed) {
      await refuseOccupied(storage);
      const { target } = runtime;
      await recordRun(request, { options, defense, network, dataset, target });
    }
    for (const { code, text } of dataset.notes ?? [])
      yield { event: "warning", code, message: text };
    const files = leasedFiles(storage, lease);
    yield* train({
      runtime,
      architecture: network,
      first: request.from?.model,
      dataset,
      defense,
      options,
      files,
      validation,
      beforeStep: warmed.beforeStep,
      signal,
      limit,
      checkpointSeconds,
      finish: (checkpoint) => writeModel(files, checkpoint),
    });
  } finally {
    await lease.release();
  }
}
