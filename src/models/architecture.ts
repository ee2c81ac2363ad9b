import type { Value } from "../engine/graph/value.ts";
import type { TracedValue } from "../engine/onnx/import/import-graph.ts";
import type { Key } from "../math/random.ts";
import { elementCount, type Shape, type Tensor } from "../math/tensor.ts";

/** One array of a network: a trainable parameter, or a buffer (running statistics of a batch norm). */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  /** False for running statistics, which the optimiser leaves alone. */
  readonly trainable: boolean;
  /** The value before training, in the shape of `shape`; the caller folds `key` from the parameter's name. */
  init(key: Key): Tensor;
}

/** A network's arrays by name, parameters and buffers, each in the shape of its `ParameterSpec`. */
export type Parameters = Readonly<Record<string, Tensor>>;

/** `frozen` uses running statistics and no dropout; `batch` uses the batch's own statistics and dropout. */
export type Mode = "frozen" | "batch";

/** The result of a forward pass: logits [batch, classes] and, in batch mode, the updated running statistics by name. */
export interface Forward {
  readonly logits: Value;
  readonly statistics: Readonly<Record<string, Value>>;
}

/** The decision of an imported file: the class with the largest of `rows` [batch, classes]. */
export interface FileAnswers {
  readonly rows: Value;
  /** The class that the file decides for, float32 [batch, 1]. */
  readonly answer: Value;
  /** Scores [batch, classes] before the operators that were removed from the output. */
  readonly undone: Value;
}

/** A network without its weights: shapes, and the expression to build. */
export interface Architecture {
  /** The name on the command line: `wrn-28-10`, `cnn-small`; of an imported network the file's name. */
  readonly name: string;
  /** [channel, height, width] of one image in [0, 1]. */
  readonly inputShape: Shape;
  /** The integer type of the inputs, if they are whole numbers and no pixels. */
  readonly integers?: "int32" | "int64" | undefined;
  readonly classes: number;
  readonly parameters: readonly ParameterSpec[];
  /** Names and shapes (without the batch axis) of the dropout masks, which batch mode takes as inputs `dropout/…`. */
  readonly dropout: { readonly rate: number; readonly masks: Readonly<Record<string, Shape>> };
  /** The only batch size that the network runs in; null or absent for any. */
  readonly fixedBatch?: number | null;
  /**
   * Whether the network was imported: an operator that a runtime cannot run is then the file's fault, not a bug of ours.
   */
  readonly foreign?: boolean;
  /** Imported networks only: the file's values for images x [batch, ...pixels], by name and node, inputs before users. */
  trace?(x: Value): readonly TracedValue[];
  /**
   * Pixels [batch, channel, height, width] in [0, 1] as the first layer takes them, after mean, std, scale and axis
   * order.
   */
  input?(x: Value): Value;
  /** Imported networks only: the file's decisions on x [batch, ...pixels]; null if nothing was removed from its output. */
  answers?(x: Value): FileAnswers | null;
  /**
   * Builds the expression for images x [batch, channel, height, width] in [0, 1]; `parameter` returns each array by
   * name.
   */
  forward(x: Value, parameter: (name: string) => Value, mode: Mode): Forward;
}

/** What an architecture must know about its data. */
export interface InputSpec {
  /** [channel, height, width]. */
  readonly shape: Shape;
  readonly classes: number;
  /** The first layer computes (pixel − mean) / std, with one number per channel or one for all. */
  readonly mean: readonly number[];
  /** One number per channel or one for all, like `mean`. */
  readonly std: readonly number[];
}

/**
 * The number of trainable scalars.
 *
 * @example
 * ```ts
 * import { architecture, parameterCount } from "rampart";
 *
 * const input = { shape: [3, 32, 32], classes: 10, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
 * console.log(parameterCount(architecture("wrn-10-1", input))); // 77850
 * ```
 */
export const parameterCount = ({ parameters }: Architecture): number =>
  parameters
    .filter(({ trainable }) => trainable)
    .reduce((sum, { shape }) => sum + elementCount(shape), 0);
