import type { Dataset, Split } from "../data/dataset.ts";
import type { Defense } from "../defenses/table.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { RunFiles } from "../files/run/run-files.ts";
import type { Architecture } from "../models/architecture.ts";
import type { ModelMetadata } from "../models/export.ts";
import type { Checkpoint } from "../models/opening/checkpoint.ts";
import type { ResolvedOptions } from "./options.ts";
import type { TimeLimit } from "./unfinished.ts";

/** How the weights that a run begins with were trained. */
export type FirstModel = Pick<ModelMetadata, "defense" | "data" | "noise" | "heldOut">;

/** What a training run works with; `options` holds every choice that is not one of these objects. */
export interface Training {
  readonly runtime: Runtime;
  readonly architecture: Architecture;
  /** What is known of the first weights if they are those of a file, which no defence replaces. */
  readonly first?: FirstModel | undefined;
  readonly dataset: Dataset;
  readonly defense: Defense;
  readonly options: ResolvedOptions;
  readonly files: RunFiles;
  /** Interrupts training between two runs of the network; a checkpoint is saved first. */
  /** Training examples that were held out; the checkpoint with the best accuracy on them under attack becomes the model. */
  readonly validation?: Split | undefined;
  /** Called before each step, with the steps finished; a defence whose radii grow follows it. */
  readonly beforeStep?: ((step: number, steps: number) => void) | undefined;
  readonly signal?: AbortSignal;
  /** Ends the run at its best checkpoint once it is over. */
  readonly limit?: TimeLimit | undefined;
  /** Seconds between checkpoints within an epoch; 0 saves after every step, 120 is the default. */
  readonly checkpointSeconds?: number;
  /** Called with the trained model at the end. */
  readonly finish?: (checkpoint: Checkpoint) => Promise<void>;
}
