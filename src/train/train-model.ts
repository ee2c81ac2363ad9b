// Trainings on any platform: the run's files are in a storage, and the platform opens the runtime and the data.
import type { Dataset } from "../data/dataset.ts";
import { withHeldOutTest } from "../data/held-out.ts";
import { findDataset } from "../data/table.ts";
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
import { noiseNamed as plainNoise } from "../noise/table.ts";
import { defenseSettings } from "./defense-settings.ts";
import type { TrainEvent } from "./events.ts";
import {
  type ResolvedOptions,
  refuseOtherOptions,
  resolveOptions,
  type TrainOptions,
} from "./options.ts";
import {
  holdsRun,
  recordedDefense,
  refuseOccupied,
  refuseOtherDefense,
  requireRunPlugins,
  storedLowering,
  storedOptions,
  writeConfig,
} from "./run-config.ts";
import { metadataOf, train } from "./train.ts";
import type { TrainingRequest } from "./training-request.ts";

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

/** The options of a run, and whether it goes on. Throws `UsageError` if a run is in the way, missing, or of other options. */
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
  { storage, host, ownDefense, command }: TrainingRequest,
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
  const { storage, signal, note, checkpointSeconds, noiseNamed = plainNoise } = request;
  const { options, isResumed } = await optionsOf(given, request);
  const plain =
    request.ownDefense ?? defenseNamed(options.defense, defenseSettings(options), noiseNamed);
  // A run of an earlier version has no `awp`.
  const defense =
    typeof options.awp === "number" ? withWeightPerturbation(plain, options.awp) : plain;
  const runtime = await request.startRuntime(isResumed ? await storedLowering(storage) : undefined);
  const dataset = withHeldOutTest(request.ownData ?? (await request.openData(options.data)));
  const input = { ...dataset, classes: dataset.classes.length };
  const network =
    request.ownModel ?? architecture(options.model, input, { dropout: options.dropout });

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
      dataset,
      defense,
      options,
      files,
      signal,
      checkpointSeconds,
      finish: ({ model, state }) =>
        files.write("model.onnx", exportOnnx(network, state.parameters, model)),
    });
  } finally {
    await lease.release();
  }
}
