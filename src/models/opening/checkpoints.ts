import type { RunFiles } from "../../files/run/run-files.ts";
import { messageOf } from "../../math/message-of.ts";
import { UsageError } from "../../math/usage-error.ts";
import {
  type Checkpoint,
  type Position,
  readCheckpoint,
  type StoredOptions,
  writeCheckpoint,
} from "./checkpoint.ts";

const FOLDER = "checkpoints";

/** Checkpoints that are kept: the newest one, and two to fall back to. */
const KEPT = 3;

/** The file of a checkpoint: `epoch-3.safetensors` after three epochs, `epoch-3-step-20.safetensors` 20 steps later. */
export const checkpointName = ({ epoch, stepInEpoch }: Position): string =>
  `${FOLDER}/epoch-${epoch}${stepInEpoch > 0 ? `-step-${stepInEpoch}` : ""}.safetensors`;

/** The names of a run's checkpoint files, newest first; ignores other files. */
export async function checkpointNames(files: RunFiles): Promise<string[]> {
  return (await files.list(FOLDER))
    .flatMap((name) => {
      const parts = /^epoch-(\d+)(?:-step-(\d+))?\.safetensors$/.exec(name);
      return parts === null ? [] : [{ name, epoch: Number(parts[1]), step: Number(parts[2] ?? 0) }];
    })
    .sort((a, b) => b.epoch - a.epoch || b.step - a.step)
    .map(({ name }) => `${FOLDER}/${name}`);
}

/** Reads a checkpoint. Throws `UsageError`: `runs/a/checkpoints/epoch-3.safetensors is damaged: …`. */
async function read<Options extends StoredOptions>(
  files: RunFiles,
  name: string,
): Promise<Checkpoint<Options>> {
  const bytes = await files.read(name);
  try {
    return await readCheckpoint(bytes);
  } catch (error) {
    throw new UsageError(`${files.path}/${name} is damaged: ${messageOf(error)}`, {
      code: "bad-file",
    });
  }
}

/**
 * The newest checkpoint of a run; undefined if it has none. If the newest is damaged, throws a `UsageError` that names
 * the newest good one, since only the user can decide to go back.
 */
export async function latestCheckpoint<Options extends StoredOptions = StoredOptions>(
  files: RunFiles,
): Promise<{ readonly name: string; readonly checkpoint: Checkpoint<Options> } | undefined> {
  const [newest, ...older] = await checkpointNames(files);
  if (newest === undefined) return undefined;
  try {
    return { name: newest, checkpoint: await read(files, newest) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    for (const name of older) {
      const isGood = await read(files, name).then(
        () => true,
        () => false,
      );
      if (isGood)
        throw new UsageError(error.lines, {
          code: "bad-file",
          next: `the previous one, ${files.path}/${name}, is good: delete the damaged file to continue from there`,
        });
    }
    throw new UsageError(error.lines, {
      code: "bad-file",
      next: "the run has no other good checkpoint: start another run directory",
    });
  }
}

/**
 * Awaits a write to a run. If the disk or permissions make it fail, throws a `UsageError` that names the last intact
 * checkpoint.
 */
export async function withWriteErrors<T>(files: RunFiles, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string };
    if (code === undefined && !(error instanceof UsageError)) throw error;
    const [last] = await checkpointNames(files);
    const safe =
      last === undefined ? "nothing was saved before" : `${files.path}/${last} is intact`;
    throw new UsageError(error instanceof UsageError ? error.lines : message, {
      code: "cannot-write",
      next: `${safe}; put this right, then resume the run`,
    });
  }
}

/** The folder of checkpoints that were chosen as the run's model. */
const CHOSEN = "chosen";

/** Chosen checkpoints that are kept: a resumed run may go back to before the newest ones. */
const CHOSEN_KEPT = 6;

/** The steps of a run's chosen checkpoints, the last chosen first. */
async function chosenSteps(files: RunFiles): Promise<number[]> {
  return (await files.list(CHOSEN))
    .flatMap((name) => /^step-(\d+)\.safetensors$/.exec(name)?.slice(1, 2) ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

const chosenName = (step: number): string => `${CHOSEN}/step-${step}.safetensors`;

/** The checkpoint that a run has chosen as its model; undefined if it has chosen none. Throws `UsageError` if it is damaged. */
export async function chosenCheckpoint<Options extends StoredOptions = StoredOptions>(
  files: RunFiles,
): Promise<{ readonly name: string; readonly checkpoint: Checkpoint<Options> } | undefined> {
  const [step] = await chosenSteps(files);
  if (step === undefined) return undefined;
  const name = chosenName(step);
  return { name, checkpoint: await read(files, name) };
}

/** Saves a checkpoint as the run's model; returns its path. */
export async function saveChosen(files: RunFiles, checkpoint: Checkpoint): Promise<string> {
  const name = chosenName(checkpoint.position.step);
  await withWriteErrors(files, files.write(name, await writeCheckpoint(checkpoint)));
  for (const old of (await chosenSteps(files)).slice(CHOSEN_KEPT))
    await files.remove(chosenName(old));
  return `${files.path}/${name}`;
}

/** Removes the chosen checkpoints whose steps are not kept, which a resumed run takes again. */
export async function keepChosen(
  files: RunFiles,
  isKept: (step: number) => boolean,
): Promise<void> {
  for (const one of await chosenSteps(files)) if (!isKept(one)) await files.remove(chosenName(one));
}

/** Saves a checkpoint, then removes old ones; returns the name of its file. */
export async function saveCheckpoint(files: RunFiles, checkpoint: Checkpoint): Promise<string> {
  const name = checkpointName(checkpoint.position);
  await withWriteErrors(files, files.write(name, await writeCheckpoint(checkpoint)));
  for (const old of (await checkpointNames(files)).slice(KEPT)) await files.remove(old);
  return name;
}
