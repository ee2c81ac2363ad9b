// Trainings in a run directory of this machine.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { openDatasetInNode } from "../data/node.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { nodeHost } from "../files/host/node.ts";
import { leaseWork, type WorkLease } from "../files/lease/node.ts";
import { orMissing, PARTIAL } from "../files/node.ts";
import { nodeFiles } from "../files/run/node.ts";
import { nodeStorage } from "../files/storage/node.ts";
import type { Storage } from "../files/storage/storage.ts";
import type { OnNote } from "../math/note.ts";
import { noiseNamedInNode } from "../noise/node.ts";
import type { TrainEvent } from "./events.ts";
import type { TrainOptions } from "./options.ts";
import { trainModel } from "./train-model.ts";
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

/** A run directory as a storage. Its metrics are never packed. */
const runStorage = (path: string): Storage => ({
  ...nodeStorage(`${path}/`, path),
  ...nodeFiles(path),
  lease: (_, work) => leaseRun(path, work),
});

/** Removes the half-written files of a killed run. */
async function removePartials(path: string): Promise<void> {
  for (const folder of [path, join(path, "checkpoints")])
    for (const name of await orMissing(readdir(folder), []))
      if (name.endsWith(PARTIAL) && !name.startsWith("lease.")) await rm(join(folder, name));
}

/** `trainModel` in a run directory. Throws `UsageError` for data, options or files that do not fit. */
export async function* trainInNode(
  given: TrainOptions,
  { out, runtime, device, threads, dataDir, ...context }: NodeTraining,
): AsyncGenerator<TrainEvent, void, void> {
  yield* trainModel(given, {
    ...context,
    storage: runStorage(out),
    host: nodeHost,
    startRuntime: async (lowering) => runtime ?? nodeRuntime({ device, threads, lowering }),
    openData: (name) => openDatasetInNode(name, { dataDir }),
    noiseNamed: noiseNamedInNode,
    prepare: () => removePartials(out),
  });
}
