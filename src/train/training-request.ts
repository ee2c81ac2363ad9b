import type { Dataset } from "../data/dataset.ts";
import type { Defense } from "../defenses/table.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Host } from "../files/host/host.ts";
import type { RunFiles } from "../files/run/run-files.ts";
import type { Storage } from "../files/storage/storage.ts";
import type { OnNote } from "../math/note.ts";
import type { Architecture } from "../models/architecture.ts";
import type { Checkpoint } from "../models/opening/checkpoint.ts";
import type { Noise } from "../noise/noise.ts";
import type { FirstModel } from "./training.ts";
import type { TimeLimit } from "./unfinished.ts";

/** How a run is watched, stopped and recorded, and the caller's own values that it uses. */
export interface TrainingContext {
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
  readonly checkpointSeconds?: number;
  /** Ends the run at its best checkpoint once it is over. */
  readonly limit?: TimeLimit | undefined;
  /** The command as typed, for the record. */
  readonly command?: string;
  /** Receives a note while the run waits to see whether another process still works in its directory. */
  readonly note?: OnNote | undefined;
  /** The caller's own defence and network, whose names are in the options; a resumed run needs them again. */
  readonly ownDefense?: Defense;
  readonly ownModel?: Architecture;
  /** Where the weights of `ownModel` come from, for the record; a resumed run needs the same. */
  readonly from?: TrainingSource | undefined;
  /** Writes the trained model; by default `model.onnx` as `exportOnnx` makes it. */
  readonly writeModel?: ((files: RunFiles, checkpoint: Checkpoint) => Promise<void>) | undefined;
}

/** The file that a training starts from. */
export interface TrainingSource {
  readonly path: string;
  readonly sha256: string;
  /** How the file was read, such as mean and std. */
  readonly reading: Readonly<Record<string, unknown>>;
  /** What the file says of the training that it had before. */
  readonly model: FirstModel;
}

/** Where a run is kept and how it is computed. None of it changes results, except in the last bits. */
export interface NodeTraining extends TrainingContext {
  /** The run directory. */
  readonly out: string;
  readonly device?: string;
  readonly threads?: number;
  readonly dataDir?: string | undefined;
  /** Replaces `device` and `threads`. */
  readonly runtime?: Runtime;
}

/** A training run on any platform. */
export interface TrainingRequest extends TrainingContext {
  /** The run's files. Its list of files names no lease. */
  readonly storage: Storage;
  readonly host: Host;
  /** Starts the runtime. A resumed run on a CPU needs the lowering that it was started with for the same bits. */
  startRuntime(lowering: string | undefined): Promise<Runtime>;
  openData(name: string): Promise<Dataset>;
  /** The caller's own data set, whose name is in the options; a resumed run needs it again. */
  readonly ownData?: Dataset | undefined;
  /** Makes a noise by its name; a platform may draw in threads. */
  readonly noiseNamed?: ((name: string) => Noise) | undefined;
  /** Called once the run is leased, before anything is written: removes what a killed process left. */
  readonly prepare?: (() => Promise<void>) | undefined;
}
