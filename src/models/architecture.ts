import type { Value } from "../engine/graph/value.ts";
import type { TracedValue } from "../engine/onnx/import/import-graph.ts";
import type { Key } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";

/** One array of a model: a trainable parameter, or a buffer (running statistics of a batch norm). */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  /** False for running statistics, which the optimiser leaves alone. */
  readonly trainable: boolean;
  /** Its value before training; `key` is folded from the parameter's name. */
  init(key: Key): Tensor;
}

/** A model's arrays by name: parameters and buffers. */
export type Parameters = Readonly<Record<string, Tensor>>;

/** `frozen`: running statistics, no dropout. `batch`: the batch's own statistics, and dropout. */
export type Mode = "frozen" | "batch";

/** What a forward pass gives: logits [batch, classes] and, in batch mode, the updated running statistics by name. */
export interface Forward {
  readonly logits: Value;
  readonly statistics: Readonly<Record<string, Value>>;
}

/** What a file decides by: the class of the largest of `rows` [batch, classes]. */
export interface FileAnswers {
  readonly rows: Value;
  /** The class that the file answers, float32 [batch, 1]. */
  readonly answer: Value;
  /** Scores [batch, classes] before what was taken off the output. */
  readonly undone: Value;
}

/** A network before it has weights. */
export interface Architecture {
  /** As written on the command line: `wrn-28-10`, `cnn-small`. */
  readonly name: string;
  /** [channel, height, width] of one image in [0, 1]. */
  readonly inputShape: Shape;
  readonly classes: number;
  readonly parameters: readonly ParameterSpec[];
  /** Names and shapes (without the batch axis) of the dropout masks that batch mode takes as inputs `dropout/…`. */
  readonly dropout: { readonly rate: number; readonly masks: Readonly<Record<string, Shape>> };
  /** The only batch that it can be run in; null or absent for any. */
  readonly fixedBatch?: number | null;
  /** Whether somebody else wrote it, so that what a runtime cannot run is their file's fault and no bug. */
  readonly foreign?: boolean;
  /** Of a file that somebody else wrote: its values by name and node, inputs before users. */
  trace?(x: Value): readonly TracedValue[];
  /** Pixels [batch, channel, height, width] in [0, 1] as the first layer takes them: mean, std, scale and the order of axes applied. */
  input?(x: Value): Value;
  /** Of such a file: what its own output decides by, and the scores before that; null where nothing was taken off it. */
  answers?(x: Value): FileAnswers | null;
  /** Builds the expression; `x` is [batch, channel, height, width] in [0, 1]; `parameter` gives each array by name. */
  forward(x: Value, parameter: (name: string) => Value, mode: Mode): Forward;
}

/** What an architecture needs to know of the data. */
export interface InputSpec {
  readonly shape: Shape;
  readonly classes: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** The number of trainable numbers. */
export const parameterCount = ({ parameters }: Architecture): number =>
  parameters
    .filter(({ trainable }) => trainable)
    .reduce((sum, { shape }) => sum + shape.reduce((size, n) => size * n, 1), 0);
