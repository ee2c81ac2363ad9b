import type { Note } from "../../math/note.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { Architecture, Parameters } from "../architecture.ts";
import { architecture } from "../architectures.ts";
import { importExported, type ModelMetadata } from "../export.ts";
import { type Checkpoint, misfit, readCheckpoint } from "./checkpoint.ts";

/** A trained network with what it needs to know of its data and its defence. */
export interface OpenModel extends ModelMetadata {
  /** As given: a run directory or a file. */
  readonly path: string;
  /** The last part of the path: what tables call the model. */
  readonly name: string;
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  /** The resolved options of its training; empty where a file does not say. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What tells its weights from others where they are no parameters: of a file that somebody else wrote. */
  readonly weights?: string;
  /** How a file that somebody else wrote is read: mean, std and the like. */
  readonly reading?: Readonly<Record<string, unknown>>;
  /** Remarks on gradients, precision, batch and outputs, and on changes since export. */
  readonly notes?: readonly Note[];
  /** What was taken off the output, and how one score became two classes, in sentences. */
  readonly head?: readonly string[];
}

const nameOf = (path: string): string => path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;

/** The model in a checkpoint; `path` is what the caller opened, `file` where the checkpoint lies, `own` its own network. */
export function modelOfCheckpoint(
  { model, state, options }: Checkpoint,
  path: string,
  file = path,
  own?: Architecture,
): OpenModel {
  const { architecture: name, parameters: _, trainImages: __, ...card } = model;
  const network = own ?? architecture(name, card.input, { dropout: options.dropout });
  const wrong = misfit(network, state.parameters);
  if (wrong !== undefined)
    throw new UsageError(`${file} says it holds a ${name}, but its array ${wrong}; train it again`);
  return {
    ...card,
    path,
    name: nameOf(path),
    architecture: network,
    parameters: state.parameters,
    config: { ...options },
  };
}

/** A file that somebody else wrote: what it was trained on and how, it does not say. */
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

/** The model in the bytes of a checkpoint or of an .onnx file that we exported. */
export async function modelOfFile(bytes: Uint8Array, path: string): Promise<OpenModel> {
  if (path.endsWith(".onnx")) {
    const { card, changed, architecture: network, parameters } = importExported(bytes);
    return {
      ...card,
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
  const checkpoint = await readCheckpoint(bytes).catch((error: Error) => {
    throw new UsageError(`${path} cannot be opened as a checkpoint: ${error.message}`);
  });
  return modelOfCheckpoint(checkpoint, path);
}
