// A classifier from any ONNX file: its images, its logits, and the batches that it runs in.

import * as g from "../engine/graph/expressions.ts";
import type { Value } from "../engine/graph/value.ts";
import { type TracedValue, traceGraph } from "../engine/onnx/import/import-graph.ts";
import { UnknownOperator } from "../engine/onnx/import/import-node.ts";
import type { OnNode } from "../engine/onnx/import/import-options.ts";
import type { Declared, OnnxModel } from "../engine/onnx/model.ts";
import type { Note } from "../math/note.ts";
import { elementCount } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "./architecture.ts";
import { headSentences } from "./head/sentences.ts";
import { imageOf, integersOf, preprocessed } from "./image-input.ts";
import type { ImportedOptions } from "./imported-options.ts";
import { inputAxes, onlyBatch, withOnlyBatch } from "./input-axes.ts";
import {
  choiceNotes,
  holdsNoScores,
  imageInputOf,
  imageInputs,
  scoresOf,
} from "./inputs-and-outputs.ts";
import { answersOf } from "./logits.ts";
import { type Endpoints, NetworkReader, type ReadNetwork } from "./network-reader.ts";
import {
  estimateResources,
  type ResourceEstimate,
  type ResourceLimits,
  requireWithinLimits,
  resourceLimits,
  storedBytes,
} from "./resources.ts";
import { listed, scoreCandidates } from "./score-candidates.ts";

export type { ImportedOptions };

/** An imported network. It has no parameters: its weights are constants of the graph. */
export interface ImportedNetwork extends Architecture {
  /** The batch that the file states; null if the file leaves it open. */
  readonly statedBatch: number | null;
  /** Remarks on gradients, precision, batch and outputs. */
  readonly notes: readonly Note[];
  /** The cost of one run of the stated batch, or of one image if the batch is open. */
  readonly resources: ResourceEstimate;
  /**
   * The operators that were removed from the end of the file to find the logits, such as `Softmax`; the outermost first.
   */
  readonly removed: readonly string[];
  /** Sentences about the removed operators, and about how one score became two classes. */
  readonly head: readonly string[];
  /** The file's values that the scores depend on, inputs before users, for images x [batch, ...pixels]. */
  trace(x: Value): readonly TracedValue[];
  /** The logits of images x [batch, ...pixels]; `onNode` is called for every node that they depend on. */
  watch(x: Value, onNode: OnNode): Value;
}

/** Batches of the stated size on which a rewrite to other sizes is checked. */
export const CHECKED_BATCHES = 3;

/** The maximum number of elements of a batch of images. */
const MAX_PIXELS = 2 ** 25;

/**
 * The classifier in a file, for images [batch, channel, height, width] in [0, 1], or of the shape that the file takes
 * after the batch. Removes a softmax and the like from its end. A file whose input has no batch axis, has it last, or
 * works for one image only runs one image at a time. Throws `UsageError` for what cannot be read.
 */
export function importedNetwork(
  model: OnnxModel,
  name: string,
  options: ImportedOptions = {},
): ImportedNetwork {
  const output = scoresOf(model, options.output);
  if (options.output === undefined && holdsNoScores(model))
    refuseSingleNumber(model, output, options);
  const input = imageInputOf(model, output, options.input, options.constants);
  const failures = new Map<string, UsageError>();
  for (const axes of inputAxes(input, options)) {
    const endpoints: Endpoints = { input, axes, output };
    try {
      return networkWith(model, name, endpoints, options);
    } catch (error) {
      if (!(error instanceof UsageError) || error.cause instanceof UnknownOperator) throw error;
      const fixed = endpointsWithOnlyBatch(model, name, endpoints, options);
      if (fixed !== null) return networkWith(model, name, fixed, options);
      failures.set(error.message, error);
    }
  }
  const [first, ...others] = failures.values();
  // Whether a stated first length counts images is a guess, so the user sees what both guesses lead to.
  const isGuess = Number(input.shape?.[0]) > 1;
  const also = isGuess ? others.map((one) => `; and read in other axes: ${one.message}`) : [];
  throw new UsageError(`${first.message}${also.join("")}`, { code: first.code });
}

/** Throws the `UsageError` for a file that outputs one number for a whole batch; suggests values that can be scores. */
function refuseSingleNumber(model: OnnxModel, output: Declared, options: ImportedOptions): never {
  const candidates = imageInputs(model.inputs).flatMap((input) => {
    try {
      const image = imageOf(input, options);
      const x = g.input("x", [2, ...image.shape]);
      const inputs = { [input.name]: preprocessed(x, input, image, options) };
      return scoreCandidates(traceGraph(model, inputs, { wanted: [output.name] }), 2);
    } catch (error) {
      if (error instanceof UsageError) return [];
      throw error;
    }
  });
  const suggestion =
    candidates.length === 0
      ? "name the scores with --output"
      : `values of the file that can be the scores: --output ${listed(candidates)}`;
  throw new UsageError(
    `output ${output.name} is a single number for a whole batch, as an accuracy or a loss is, and not a row of scores for each image; ${suggestion}`,
    { code: "misfit" },
  );
}

/** For an open batch: the endpoints with the only batch that the graph works for; null if there is none. */
function endpointsWithOnlyBatch(
  model: OnnxModel,
  name: string,
  endpoints: Endpoints,
  options: ImportedOptions,
): Endpoints | null {
  const { input, axes, output } = endpoints;
  if (axes.statedBatch !== null) return null;
  const batch = onlyBatch((n) => shapeFor(model, name, endpoints, options, n));
  return batch === null ? null : { input, axes: withOnlyBatch(axes, batch), output };
}

/** The shape of the scores for a batch; null if the file cannot be read for it. */
function shapeFor(
  model: OnnxModel,
  name: string,
  endpoints: Endpoints,
  options: ImportedOptions,
  batch: number,
) {
  try {
    return new NetworkReader(model, name, endpoints, options).outputShape(batch);
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}

/** The classifier in a file with these endpoints. */
function networkWith(
  model: OnnxModel,
  name: string,
  endpoints: Endpoints,
  options: ImportedOptions,
): ImportedNetwork {
  const { axes, output } = endpoints;
  const { statedBatch } = axes;
  const reader = new NetworkReader(model, name, endpoints, options);
  const { image } = reader;
  requirePixels(image.shape, statedBatch ?? 1);
  const first = reader.readFirst(statedBatch ?? 1);
  const resources = estimateResources([first.logits]);
  const limits = resourceLimits({
    stored: storedBytes([first.logits]),
    image: options.shape === undefined ? 0 : 4 * elementCount(image.shape),
    generated: resources.generated,
    maxConstants: options.maxConstants,
  });
  requireWithinLimits(resources, limits, statedBatch ?? 1);
  const notes = [...choiceNotes(model, output, options.output), ...first.notes];
  if (axes.note !== null) notes.unshift(axes.note);
  const batch = batchOf(reader, first, endpoints, isCheap(resources, limits));
  if (batch.note !== null) notes.unshift(batch.note);
  return {
    name,
    inputShape: image.shape,
    integers: integersOf(axes.declared, options),
    classes: first.logits.shape[1],
    parameters: [],
    fixedBatch: batch.fixed,
    statedBatch,
    dropout: { rate: 0, masks: {} },
    notes,
    removed: first.removed,
    resources,
    head: headSentences(first),
    foreign: true,
    input: (x) => reader.preprocessed(x),
    forward: (x) => ({ logits: reader.read(x).logits, statistics: {} }),
    answers: (x) => answersOf(reader.read(x)),
    trace: (x) => reader.trace(x),
    watch: (x, onNode) => reader.read(x, onNode).logits,
  };
}

/** Throws `UsageError` for a batch of images that is too large to be meant. */
function requirePixels(shape: readonly number[], batch: number): void {
  if (batch * elementCount(shape) <= MAX_PIXELS) return;
  const batches = batch === 1 ? "" : ` in batches of ${batch}`;
  throw new UsageError(
    `the file takes images of [${shape.join(", ")}]${batches}, which is more than ${MAX_PIXELS} numbers; it is damaged, or was made to exhaust this machine`,
    { code: "bad-file" },
  );
}

/** Whether a network leaves room to check it on several batches at once. */
const isCheap = (resources: ResourceEstimate, limits: ResourceLimits): boolean =>
  (["alive", "written", "work"] as const).every(
    (resource) => CHECKED_BATCHES * resources[resource] <= limits[resource],
  );

/** The only batch that a network runs in, or null for any, and a note if that is unexpected. */
interface RunnableBatch {
  readonly fixed: number | null;
  readonly note: Note | null;
}

/**
 * Finds out which batches the graph can be read for. Whether a rewritten graph also computes the same, only a run shows.
 */
function batchOf(
  reader: NetworkReader,
  first: ReadNetwork,
  { axes, output }: Endpoints,
  isCheckable: boolean,
): RunnableBatch {
  const { statedBatch } = axes;
  const [, classes] = first.logits.shape;
  if (!axes.batchFirst) return { fixed: 1, note: null };
  if (statedBatch !== null) {
    const isAny = isCheckable && [2, 3].every((n) => refusal(reader, n, classes) === null);
    return { fixed: isAny ? null : statedBatch, note: null };
  }
  const why = refusal(reader, 2, classes);
  if (why === null) return { fixed: null, note: null };
  if (first.output.shape.length === 0)
    throw new UsageError(
      `output ${output.name} is a single number for a whole batch, as an accuracy or a loss is; choose another --output`,
      { code: "misfit" },
    );
  return {
    fixed: 1,
    note: {
      code: "single-image",
      text: `the file leaves its batch open and works for one image alone, so images are run one by one (two at once: ${why})`,
    },
  };
}

/** Why a file cannot be read for a batch; null if it can. */
function refusal(reader: NetworkReader, batch: number, classes: number): string | null {
  try {
    const { shape } = reader.readBatch(batch).logits;
    const isExpected = shape.join() === `${batch},${classes}`;
    return isExpected ? null : `scores of [${shape.join(", ")}] for ${batch} images`;
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}
