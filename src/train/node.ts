import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { withHeldOutTest } from "../data/held-out.ts";
import { openDatasetNode } from "../data/node.ts";
import { type Defense, defenseNamed } from "../defenses/table.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { leaseWork, type WorkLease } from "../files/lease/node.ts";
import { machine, orMissing, PARTIAL, version } from "../files/node.ts";
import { nodeFiles } from "../files/run/node.ts";
import type { RunFiles } from "../files/run/run-files.ts";
import type { OnNote } from "../math/note.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "../models/architecture.ts";
import { architecture } from "../models/architectures.ts";
import { exportOnnx } from "../models/export.ts";
import type { Checkpoint } from "../models/opening/checkpoint.ts";
import { noiseNamedNode } from "../noise/node.ts";
import type { TrainEvent } from "./events.ts";
import { refuseOtherOptions, resolveOptions, type TrainOptions } from "./options.ts";
import {
  holdsRun,
  refuseOccupied,
  storedLowering,
  storedOptions,
  writeConfig,
} from "./run-config.ts";
import { metadataOf, train } from "./train.ts";

/** Takes the folder for this process, or says who has it. */
export const leaseRun = (
  path: string,
  more: {
    readonly note?: OnNote | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<WorkLease> =>
  leaseWork({
    prefix: join(path, "lease"),
    owned: path,
    remedy: "choose another run directory",
    ...more,
  });

/** The files, which are no longer written once another process has taken over. */
const guarded = (files: RunFiles, lease: WorkLease): RunFiles => ({
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

/** Where a run is kept and how it is run; none of it changes its results, except in the last bits. */
export interface NodeTraining {
  readonly out: string;
  readonly resume?: boolean;
  readonly device?: string;
  readonly threads?: number;
  readonly dataDir?: string | undefined;
  readonly signal?: AbortSignal;
  readonly checkpointSeconds?: number;
  /** The command as typed, for the record. */
  readonly command?: string;
  /** Told when the run has to wait, to see whether another process is still at work in its directory. */
  readonly note?: OnNote | undefined;
  /** A defence and a network of the caller's own, whose names the options bear; a resumed run needs them again. */
  readonly ownDefense?: Defense;
  readonly ownModel?: Architecture;
  /** Instead of `device` and `threads`. */
  readonly runtime?: Runtime;
}

/** What a killed run left half-written. */
async function removePartials(path: string): Promise<void> {
  for (const folder of [path, join(path, "checkpoints")])
    for (const name of await orMissing(readdir(folder), []))
      if (name.endsWith(PARTIAL) && !name.startsWith("lease.")) await rm(join(folder, name));
}

/**
 * Trains in a run directory: `config.json`, `metrics.jsonl`, `checkpoints/` and, at the end, `model.onnx`. A resumed
 * run takes its options from the directory; those given as well must agree.
 */
export async function* trainNode(
  given: TrainOptions,
  { out, resume = false, dataDir, command, note, signal, checkpointSeconds, ...more }: NodeTraining,
): AsyncGenerator<TrainEvent, void, void> {
  const { ownDefense, ownModel, runtime: ownRuntime, ...hardware } = more;
  const files = nodeFiles(out);
  const goesOn = resume && (await holdsRun(files));
  if (!goesOn) await refuseOccupied(files);
  if (resume && !goesOn && given.defense === undefined)
    throw new UsageError(`${out} holds no run to resume; start one without --resume`);

  const options = goesOn ? await storedOptions(files) : resolveOptions(given);
  if (goesOn) refuseOtherOptions(given, options, out);
  // Everything that can be wrong with the options is found before anything is written.
  const { epsilonLinf, epsilonL2, steps } = options;
  const settings = {
    epsilonLinf,
    epsilonL2,
    steps,
    ...(options.stepSize !== null && { stepSize: options.stepSize }),
    ...(options.noise !== null && { noise: options.noise }),
    ...(options.matChoice !== null && { matChoice: options.matChoice }),
    ...(options.ratNoise !== null && { ratNoise: options.ratNoise }),
  };
  const defense = ownDefense ?? defenseNamed(options.defense, settings, noiseNamedNode);
  const lowering = goesOn ? await storedLowering(files) : undefined;
  const runtime =
    ownRuntime ?? (await nodeRuntime({ ...hardware, ...(lowering !== undefined && { lowering }) }));
  const dataset = withHeldOutTest(
    await openDatasetNode(options.data, dataDir === undefined ? {} : { dataDir }),
  );
  const input = { ...dataset, classes: dataset.classes.length };
  const network = ownModel ?? architecture(options.model, input, { dropout: options.dropout });

  const lease = await leaseRun(out, { note, signal });
  try {
    await removePartials(out);
    if (!goesOn) {
      await refuseOccupied(files);
      const record = {
        options,
        model: metadataOf(network, dataset, defense),
        attacks: defense.attacks.map(({ name, options: settings }) => ({ name, ...settings })),
        versions: { rampart: version, engine: runtime.target.engine },
        target: runtime.target,
        machine: machine(),
        command: command ?? null,
      };
      await writeConfig(files, record);
    }
    for (const { code, text } of dataset.notes ?? [])
      yield { event: "warning", code, message: text };
    yield* train({
      runtime,
      architecture: network,
      dataset,
      defense,
      options,
      files: guarded(files, lease),
      ...(signal && { signal }),
      ...(checkpointSeconds !== undefined && { checkpointSeconds }),
      finish: ({ model, state }: Checkpoint) =>
        guarded(files, lease).write("model.onnx", exportOnnx(network, state.parameters, model)),
    });
  } finally {
    await lease.release();
  }
}
