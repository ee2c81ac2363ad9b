import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { withHeldOutTest } from "../data/held-out.ts";
import { openDatasetNode } from "../data/node.ts";
import { defenseNamed } from "../defenses/table.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { leaseWork, type WorkLease } from "../files/lease/node.ts";
import { machine, orMissing, PARTIAL, version } from "../files/node.ts";
import { nodeFiles } from "../files/run/node.ts";
import type { RunFiles } from "../files/run/run-files.ts";
import type { OnNote } from "../math/note.ts";
import { recordedPlugins } from "../math/plugin.ts";
import { UsageError } from "../math/usage-error.ts";
import { architecture } from "../models/architectures.ts";
import { exportOnnx } from "../models/export.ts";
import { noiseNamedNode } from "../noise/node.ts";
import { defenseSettings } from "./defense-settings.ts";
import type { TrainEvent } from "./events.ts";
import { refuseOtherOptions, resolveOptions, type TrainOptions } from "./options.ts";
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
import type { NodeTraining } from "./training-request.ts";

export type { NodeTraining } from "./training-request.ts";

/** How a process waits for a run directory. */
export interface LeaseOptions {
  /** Receives a note while the directory may still be in use. */
  readonly note?: OnNote | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Takes a run directory for this process. Throws `UsageError` that names the process which uses it. */
export const leaseRun = (path: string, { note, signal }: LeaseOptions = {}): Promise<WorkLease> =>
  leaseWork({
    prefix: join(path, "lease"),
    owned: path,
    remedy: "choose another run directory",
    note,
    signal,
  });

/** The files of a run, written only while this process holds the lease. */
const leasedFiles = (files: RunFiles, lease: WorkLease): RunFiles => ({
  ...files,
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

/** Removes the half-written files of a killed run. */
async function removePartials(path: string): Promise<void> {
  for (const folder of [path, join(path, "checkpoints")])
    for (const name of await orMissing(readdir(folder), []))
      if (name.endsWith(PARTIAL) && !name.startsWith("lease.")) await rm(join(folder, name));
}

/**
 * Trains in a run directory, which gets `config.json`, `metrics.jsonl`, `checkpoints/` and, at the end, `model.onnx`. A
 * resumed run takes its options from the directory; options that are also given must agree. Throws `UsageError`, before
 * anything is written if the options are wrong.
 */
export async function* trainNode(
  given: TrainOptions,
  training: NodeTraining,
): AsyncGenerator<TrainEvent, void, void> {
  const { out, resume = false, note, signal, checkpointSeconds } = training;
  const files = nodeFiles(out);
  const isResumed = resume && (await holdsRun(files));
  if (!isResumed) await refuseOccupied(files);
  if (resume && !isResumed && given.defense === undefined)
    throw new UsageError(`${out} holds no run to resume; start one without --resume`, {
      code: "not-found",
    });
  if (isResumed) await requireRunPlugins(files);
  const options = isResumed ? await storedOptions(files) : resolveOptions(given);
  if (isResumed) refuseOtherOptions(given, options, out);
  const { ownDefense } = training;
  if (isResumed && ownDefense !== undefined) await refuseOtherDefense(files, ownDefense);
  const defense =
    ownDefense ?? defenseNamed(options.defense, defenseSettings(options), noiseNamedNode);
  const lowering = isResumed ? await storedLowering(files) : undefined;
  const runtime = training.runtime ?? (await runtimeFor(training, lowering));
  const dataset = withHeldOutTest(
    await openDatasetNode(options.data, { dataDir: training.dataDir }),
  );
  const input = { ...dataset, classes: dataset.classes.length };
  const network =
    training.ownModel ?? architecture(options.model, input, { dropout: options.dropout });

  const lease = await leaseRun(out, { note, signal });
  try {
    await removePartials(out);
    if (!isResumed) {
      await refuseOccupied(files);
      await writeConfig(files, {
        options,
        ownDefense: ownDefense === undefined ? null : recordedDefense(ownDefense),
        model: metadataOf(network, dataset, defense),
        attacks: defense.attacks.map((attack) => ({ name: attack.name, ...attack.options })),
        versions: { rampart: version, engine: runtime.target.engine },
        target: runtime.target,
        machine: machine(),
        command: training.command ?? null,
        plugins: recordedPlugins(),
      });
    }
    for (const { code, text } of dataset.notes ?? [])
      yield { event: "warning", code, message: text };
    const leased = leasedFiles(files, lease);
    yield* train({
      runtime,
      architecture: network,
      dataset,
      defense,
      options,
      files: leased,
      signal,
      checkpointSeconds,
      finish: ({ model, state }) =>
        leased.write("model.onnx", exportOnnx(network, state.parameters, model)),
    });
  } finally {
    await lease.release();
  }
}

const runtimeFor = (
  { device, threads }: NodeTraining,
  lowering: string | undefined,
): Promise<Runtime> => nodeRuntime({ device, threads, lowering });
