import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "../models/architecture.ts";
import { type Checkpoint, type CheckpointMetadata, misfit } from "../models/opening/checkpoint.ts";

/** A checkpoint to resume from, and the path of its file. */
export interface ResumedCheckpoint {
  readonly path: string;
  readonly checkpoint: Checkpoint;
}

/**
 * Throws `UsageError` if a checkpoint belongs to another network than `architecture`, or to other data than `metadata`.
 */
export function requireSameTraining(
  { path, checkpoint }: ResumedCheckpoint,
  metadata: CheckpointMetadata,
  architecture: Architecture,
): void {
  const { state, model } = checkpoint;
  const wrongArray = misfit(architecture, state.parameters);
  if (model.architecture !== architecture.name || wrongArray !== undefined) {
    const count = model.parameters.toLocaleString("en");
    const detail = model.architecture === architecture.name ? `, where ${wrongArray}` : "";
    throw new UsageError(
      `${path} holds a ${model.architecture} (${count} parameters), the options ask for ${architecture.name}${detail}`,
      { code: "misfit", next: `use --model ${model.architecture}, or start another run directory` },
    );
  }
  const [before, now] = [describeData(model), describeData(metadata)];
  if (before !== now)
    throw new UsageError(
      `${metadata.data} has changed since ${path} was saved: it had ${before}, and has ${now}`,
      { code: "misfit", next: "bring it back, or start another run directory" },
    );
}

const describeData = ({ trainImages, classNames }: CheckpointMetadata): string =>
  `${trainImages} training images of ${classNames.join(", ")}`;
