import * as g from "../engine/graph/expressions.ts";
import type { Value } from "../engine/graph/value.ts";
import { importGraph, type TracedValue, traceGraph } from "../engine/onnx/import/import-graph.ts";
import { UnknownOperator } from "../engine/onnx/import/import-node.ts";
import type { ImportOptions, OnNode } from "../engine/onnx/import/import-options.ts";
import type { Declared, OnnxModel } from "../engine/onnx/model.ts";
import type { Note } from "../math/note.ts";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { boundNames, type Image, imageNotes, imageOf, preprocessed } from "./image-input.ts";
import type { ImportedOptions } from "./imported-options.ts";
import type { InputAxes } from "./input-axes.ts";
import { otherInputs } from "./inputs-and-outputs.ts";
import { type Logits, logitsOf, outputsOf } from "./logits.ts";
import { listed, scoreCandidates } from "./score-candidates.ts";

/** The input and the output of a file that make it a classifier. */
export interface Endpoints {
  readonly input: Declared;
  readonly axes: InputAxes;
  readonly output: Declared;
}

/** The expression of a file for one batch size. */
export interface ReadNetwork extends Logits {
  /** The file's own output, before it is turned into logits; of any shape. */
  readonly output: Value;
  readonly notes: readonly Note[];
}

/** Turns a file into expressions, for images x [batch, ...pixels] of any batch size. */
export class NetworkReader {
  readonly image: Image;
  readonly #model: OnnxModel;
  readonly #name: string;
  readonly #endpoints: Endpoints;
  readonly #options: ImportedOptions;

  /** Throws `UsageError` if the images that the options state do not fit the input. */
  constructor(model: OnnxModel, name: string, endpoints: Endpoints, options: ImportedOptions) {
    this.image = imageOf(endpoints.axes.declared, options);
    this.#model = model;
    this.#name = name;
    this.#endpoints = endpoints;
    this.#options = options;
  }

  /** The images of a batch as an input of the expression. */
  images(batch: number): Value {
    return g.input("x", [batch, ...this.image.shape]);
  }

  /** Images [batch, channel, height, width] in [0, 1] as the file takes them. */
  preprocessed(x: Value): Value {
    return preprocessed(x, this.#endpoints.axes.declared, this.image, this.#options);
  }

  /** Reads the file for images x, watched by `onNode`. Throws `UsageError` for what cannot be read. */
  read(x: Value, onNode?: OnNode): ReadNetwork {
    const [batch] = x.shape;
    const { name } = this.#endpoints.output;
    const { outputs, notes } = importGraph(
      this.#model,
      this.#inputs(x),
      Object.assign(this.#importOptions(batch), { onNode }),
    );
    const toLogits = this.#options.raw ? outputsOf : logitsOf;
    return {
      output: outputs[name],
      notes: [...imageNotes(this.#endpoints.axes.declared, this.#options), ...notes],
      ...toLogits(outputs[name], batch, name),
    };
  }

  /** Reads the file for a batch. Reports a graph that is too deep for the stack as the file's fault. */
  readBatch(batch: number): ReadNetwork {
    try {
      return this.read(this.images(batch));
    } catch (error) {
      // Reading throws a RangeError for one reason only: the stack overflows.
      if (!(error instanceof RangeError)) throw error;
      throw new UsageError(`${this.#name} is nested too deeply to be read`, {
        code: "bad-file",
        cause: error,
      });
    }
  }

  /** As `readBatch`; the error for an operator that cannot be read suggests outputs in front of it. */
  readFirst(batch: number): ReadNetwork {
    try {
      return this.readBatch(batch);
    } catch (error) {
      if (!(error instanceof UnknownOperator)) throw error;
      const candidates = scoreCandidates(this.trace(this.images(batch)), batch);
      if (candidates.length === 0) throw error;
      throw new UsageError(
        `${error.message}, or, if it is only post-processing, name an output before it with --output, for example ${listed(candidates)}`,
        { code: "bad-file", cause: error },
      );
    }
  }

  /** The shape of the file's output if it is read for a batch without a rewrite; null if it cannot be read. */
  outputShape(batch: number): Shape | null {
    const { straightThrough = false, blockSize } = this.#options;
    const { name } = this.#endpoints.output;
    try {
      const inputs = this.#inputs(this.images(batch));
      const settings = { straightThrough, blockSize, wanted: [name] };
      return importGraph(this.#model, inputs, settings).outputs[name].shape;
    } catch (error) {
      if (error instanceof UsageError) return null;
      throw error;
    }
  }

  /** The values of the file that its output depends on, inputs before users. */
  trace(x: Value): readonly TracedValue[] {
    return traceGraph(this.#model, this.#inputs(x), this.#importOptions(x.shape[0]));
  }

  #inputs(x: Value): Record<string, Value> {
    const { input, axes, output } = this.#endpoints;
    const { constants = {} } = this.#options;
    const names = boundNames(axes.declared, this.image);
    const inputs = otherInputs(this.#model, input, output, constants, x.shape[0], names);
    inputs[input.name] = axes.arrange(this.preprocessed(x));
    return inputs;
  }

  #importOptions(batch: number): ImportOptions & { readonly wanted: readonly string[] } {
    const { straightThrough = false, blockSize, maxConstants } = this.#options;
    const { statedBatch } = this.#endpoints.axes;
    const isRewritten = statedBatch !== null && statedBatch !== batch;
    return {
      straightThrough,
      wanted: [this.#endpoints.output.name],
      blockSize,
      maxConstants,
      batch: isRewritten ? { stated: statedBatch, wanted: batch } : undefined,
    };
  }
}
