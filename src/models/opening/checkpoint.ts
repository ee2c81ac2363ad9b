import type { RuntimeTarget } from "../../engine/runtime/runtime.ts";
import { keyOf } from "../../math/random.ts";
import type { Tensor } from "../../math/tensor.ts";
import type { Architecture, Parameters } from "../architecture.ts";
import type { ModelMetadata } from "../export.ts";
import { parsedJson, requireMetadata } from "../stored-metadata.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

/** What a checkpoint says about its model, enough to open it without its run directory. */
export interface CheckpointMetadata extends ModelMetadata {
  readonly architecture: string;
  /** Trainable numbers. */
  readonly parameters: number;
  /** Images in the training split, whether they are used or not; a changed data set shows here. */
  readonly trainImages: number;
}

/** Where a run stands. Sums are over the epoch under way, so that its means are exact after a resume. */
export interface Position {
  /** Steps done since the run began. */
  readonly step: number;
  /** Epochs finished. */
  readonly epoch: number;
  /** Steps done in the epoch under way. */
  readonly stepInEpoch: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly seconds: number;
}

/** Everything that a step changes. */
export interface TrainState {
  /** Parameters and running statistics. */
  readonly parameters: Parameters;
  /** What the optimiser remembers, by `slotName`. */
  readonly slots: Readonly<Record<string, Tensor>>;
}

/** The options of a training that opening its model needs; the trainer stores more. */
export interface StoredOptions {
  readonly dropout: number;
  readonly seed: number;
}

/** Everything that a run needs to go on; `Options` are those of the trainer that wrote it. */
export interface Checkpoint<Options extends StoredOptions = StoredOptions> {
  readonly state: TrainState;
  readonly position: Position;
  readonly model: CheckpointMetadata;
  readonly options: Options;
  readonly target: RuntimeTarget;
}

const FORMAT = "rampart checkpoint 1";

/** The bytes of a safetensors file: weights under their own names, then what the optimiser remembers. */
export const writeCheckpoint = ({ state, position, model, options, target }: Checkpoint) =>
  writeSafetensors({
    tensors: { ...state.parameters, ...state.slots },
    metadata: {
      format: FORMAT,
      position: JSON.stringify(position),
      key: JSON.stringify(keyOf(options.seed)),
      model: JSON.stringify(model),
      options: JSON.stringify(options),
      target: JSON.stringify(target),
    },
  });

/** Reads what `writeCheckpoint` wrote, or throws an `Error` that says in a few words what is wrong. */
export async function readCheckpoint<Options extends StoredOptions>(
  bytes: Uint8Array,
): Promise<Checkpoint<Options>> {
  const { tensors, metadata, verified } = await readSafetensors(bytes);
  if (metadata.format !== FORMAT) throw new Error("it is not a checkpoint of rampart");
  if (!verified) throw new Error("it has no checksum");
  const [parameters, slots] = [false, true].map((remembered) =>
    Object.fromEntries(
      Object.entries(tensors).filter(([name]) => name.startsWith("momentum/") === remembered),
    ),
  );
  const [position, model, options, target] = ["position", "model", "options", "target"].map(
    (name) => {
      const value = parsedJson(name, metadata[name]);
      if (typeof value === "object" && value !== null) return value;
      throw new Error(`its ${name} is no object`);
    },
  );
  requireMetadata(model);
  return {
    state: { parameters, slots },
    position: position as Position,
    model: model as CheckpointMetadata,
    options: options as Options,
    target: target as RuntimeTarget,
  };
}

/** The first array that does not fit the architecture, in words; undefined if all fit. */
export function misfit({ parameters }: Architecture, arrays: Parameters): string | undefined {
  const text = (array: Tensor | undefined) =>
    array === undefined ? "missing" : `[${array.shape.join(", ")}]`;
  for (const { name, shape } of parameters)
    if (text(arrays[name]) !== `[${shape.join(", ")}]`)
      return `${name} is ${text(arrays[name])}, not [${shape.join(", ")}]`;
  return undefined;
}
