import type { RuntimeTarget } from "../../engine/runtime/runtime.ts";
import { keyOf } from "../../math/random.ts";
import type { Tensor } from "../../math/tensor.ts";
import type { Architecture, Parameters } from "../architecture.ts";
import type { ModelMetadata } from "../export.ts";
import { isSlot } from "../slot-names.ts";
import { parsedJson, requireMetadata } from "../stored-metadata.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

/** The metadata of a checkpoint's model, which suffice to open it without its run directory. */
export interface CheckpointMetadata extends ModelMetadata {
  /** The name of the network: `wrn-10-1`. */
  readonly architecture: string;
  /** The number of trainable scalars. */
  readonly parameters: number;
  /** Images in the training split, used or not; shows whether the data set has changed. */
  readonly trainImages: number;
}

/** How far a training run has come. Sums are over the current epoch, so its means stay exact after a resume. */
export interface Position {
  /** Steps finished in the run. */
  readonly step: number;
  /** Epochs finished. */
  readonly epoch: number;
  /** Steps finished in the current epoch. */
  readonly stepInEpoch: number;
  /** Sum of the mean losses of these steps. */
  readonly lossSum: number;
  /** Examples classified correctly in these steps. */
  readonly correct: number;
  /** Time spent on these steps. */
  readonly seconds: number;
}

/** The arrays that a training step changes. */
export interface TrainState {
  /** Parameters and running statistics. */
  readonly parameters: Parameters;
  /**
   * The optimiser's state, by `slotName`, each in the shape of its parameter; and what a defence keeps from batch to batch,
   * by names with the prefix `objective/`; and averaged weights, with the prefix `average/`.
   */
  readonly slots: Readonly<Record<string, Tensor>>;
}

/** The training options that opening a model needs; a trainer stores more. */
export interface StoredOptions {
  readonly dropout: number;
  readonly seed: number;
}

/** Everything that a run needs to resume. `Options` are those of the trainer that wrote it. */
export interface Checkpoint<Options extends StoredOptions = StoredOptions> {
  readonly state: TrainState;
  readonly position: Position;
  readonly model: CheckpointMetadata;
  readonly options: Options;
  readonly target: RuntimeTarget;
}

/** The prefix of the slots that hold averaged weights. */
export const AVERAGE_PREFIX = "average/";

/** The averaged weights in a checkpoint's slots; null if there are none. */
export function averagedParameters({ slots }: TrainState): Parameters | null {
  const found = Object.entries(slots).filter(([name]) => name.startsWith(AVERAGE_PREFIX));
  if (found.length === 0) return null;
  return Object.fromEntries(
    found.map(([name, array]) => [name.slice(AVERAGE_PREFIX.length), array]),
  );
}

const FORMAT = "rampart checkpoint 1";

/** The bytes of a safetensors file with a checkpoint: parameters, then the optimiser's state, both by name. */
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

/** Reads a file of `writeCheckpoint`. Throws an `Error` whose message continues a sentence about the file. */
export async function readCheckpoint<Options extends StoredOptions>(
  bytes: Uint8Array,
): Promise<Checkpoint<Options>> {
  const { tensors, metadata, verified } = await readSafetensors(bytes);
  if (metadata.format !== FORMAT) throw new Error("it is not a checkpoint of rampart");
  if (!verified) throw new Error("it has no checksum");
  const arrays = Object.entries(tensors);
  const object = (name: string): object => {
    const value = parsedJson(name, metadata[name]);
    if (typeof value === "object" && value !== null) return value;
    throw new Error(`its ${name} is not an object`);
  };
  const position = object("position") as Position;
  const model = object("model") as CheckpointMetadata;
  const options = object("options") as Options;
  const target = object("target") as RuntimeTarget;
  requireMetadata(model);
  return {
    state: {
      parameters: Object.fromEntries(arrays.filter(([name]) => !isSlot(name))),
      slots: Object.fromEntries(arrays.filter(([name]) => isSlot(name))),
    },
    position,
    model,
    options,
    target,
  };
}

/**
 * Describes the first array whose shape does not fit the architecture: `fc.bias is missing, not [10]`; undefined if all
 * fit.
 */
export function misfit({ parameters }: Architecture, arrays: Parameters): string | undefined {
  const text = (array: Tensor | undefined) =>
    array === undefined ? "missing" : `[${array.shape.join(", ")}]`;
  for (const { name, shape } of parameters)
    if (text(arrays[name]) !== `[${shape.join(", ")}]`)
      return `${name} is ${text(arrays[name])}, not [${shape.join(", ")}]`;
  return undefined;
}
