import type { RunFiles } from "../../files/run/run-files.ts";
import type { Note } from "../../math/note.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { Architecture, Parameters } from "../architecture.ts";
import { storedArchitecture } from "../architectures.ts";
import { importExported, type ModelMetadata } from "../export.ts";
import { averagedParameters, type Checkpoint, misfit, readCheckpoint } from "./checkpoint.ts";
import { chosenCheckpoint, latestCheckpoint } from "./checkpoints.ts";

/** A network with its weights, its metadata, and how it was opened. */
export interface OpenModel extends ModelMetadata {
  /** The path as the caller gave it: a run directory or a file. */
  readonly path: string;
  /** The last part of the path, which names the model in tables. */
  readonly name: string;
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  /** The resolved options of its training; empty if the file does not state them. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Imported files only: a hash that identifies the weights, which are not parameters there. */
  readonly weights?: string;
  /** Imported files only: the options that it was read with, such as mean and std. */
  readonly reading?: Readonly<Record<string, unknown>>;
  /** Remarks on gradients, precision, batch and outputs, and on changes since export. */
  readonly notes?: readonly Note[];
  /** Sentences about operators that were removed from the output, and how one score became two classes. */
  readonly head?: readonly string[];
}

const nameOf = (path: string): string => path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;

/**
 * The model in a checkpoint. `path` is what the caller opened, `file` the checkpoint's file, `ownModel` the network if
 * it is the caller's own. Throws `UsageError` if the weights do not fit the network.
 */
export function modelOfCheckpoint(
  { model, state, options }: Checkpoint,
  path: string,
  file = path,
  ownModel?: Architecture,
): OpenModel {
  const { architecture: name, parameters: _, trainImages: __, ...metadata } = model;
  const { dropout } = options;
  const network = ownModel ?? storedArchitecture(name, metadata.input, file, { dropout });
  const wrong = misfit(network, state.parameters);
  if (wrong !== undefined)
    throw new UsageError(
      `${file} says it holds a ${name}, but its array ${wrong}; train it again`,
      {
        code: "bad-file",
      },
    );
  return {
    ...metadata,
    path,
    name: nameOf(path),
    architecture: network,
    parameters: averagedParameters(state) ?? state.parameters,
    config: { ...options },
  };
}

/**
 * The model that a run has chosen, or else that of its newest checkpoint; undefined if it has none. Throws `UsageError` as
 * `latestCheckpoint` does.
 */
export async function modelOfRun(
  files: RunFiles,
  ownModel?: Architecture,
): Promise<OpenModel | undefined> {
  const { path } = files;
  const latest = (await chosenCheckpoint(files)) ?? (await latestCheckpoint(files));
  if (latest === undefined) return undefined;
  return modelOfCheckpoint(latest.checkpoint, path, `${path}/${latest.name}`, ownModel);
}

/** An imported network as a model. The file does not state its data, its defence or its training. */
export const modelOfNetwork = (
  network: Architecture & { readonly notes: readonly Note[]; readonly head?: readonly string[] },
  path: string,
  weights: string,
  reading: Readonly<Record<string, unknown>> = {},
): OpenModel => ({
  path,
  name: nameOf(path),
  architecture: network,
  parameters: {},
  config: {},
  weights,
  reading,
  defense: "unknown",
  data: "",
  noise: null,
  classNames: [],
  notes: network.notes,
  head: network.head ?? [],
  input: { shape: network.inputShape, classes: network.classes, mean: [0], std: [1] },
});

/** The model in the bytes of an .onnx file that we exported. Throws `UsageError` for damaged bytes. */
export function modelOfExported(bytes: Uint8Array, path: string): OpenModel {
  const { metadata, changed, architecture: network, parameters } = importExported(bytes, path);
  return {
    ...metadata,
    path,
    name: nameOf(path),
    architecture: network,
    parameters,
    config: {},
    notes: changed
      ? [
          {
            code: "weights-changed",
            text: `${path}: weights changed since export: its checksum does not fit its weights and metadata, so results are about another network than the one that was trained`,
          },
        ]
      : [],
  };
}

/** The model in the bytes of a checkpoint. Throws `UsageError` for damaged bytes. */
export async function modelOfCheckpointFile(bytes: Uint8Array, path: string): Promise<OpenModel> {
  const checkpoint = await readCheckpoint(bytes).catch((error: Error) => {
    throw new UsageError(`${path} cannot be opened as a checkpoint: ${error.message}`, {
      code: "bad-file",
    });
  });
  return modelOfCheckpoint(checkpoint, path);
}
