// A classifier from anybody's ONNX file: its images, its logits, and what stands between.

import * as g from "../engine/graph/expressions.ts";
import type { Value } from "../engine/graph/value.ts";
import {
  type ImportOptions,
  importGraph,
  type TracedValue,
  traceGraph,
} from "../engine/onnx/import/import-graph.ts";
import { UnknownOperator } from "../engine/onnx/import/import-node.ts";
import type { Declared, OnnxModel } from "../engine/onnx/model.ts";
import type { Note } from "../math/note.ts";
import { sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "./architecture.ts";
import { headSentences } from "./head/sentences.ts";
import { boundNames, type ImageOptions, imageNotes, imageOf, prepared } from "./image-input.ts";
import { fixedTo, type InputAxes, inputAxes, onlyBatch } from "./input-axes.ts";
import {
  choiceNotes,
  holdsNoScores,
  imageInputs,
  otherInputs,
  pictureInput,
  scoresOf,
} from "./inputs-and-outputs.ts";
import { answersOf, logitsOf, outputsOf } from "./logits.ts";
import {
  estimateResources,
  type ResourceEstimate,
  requireWithinLimits,
  resourceLimits,
  storedBytes,
} from "./resources.ts";
import { listed, scoreCandidates } from "./score-candidates.ts";

/** How a foreign file is read. */
export interface ImportedOptions extends ImageOptions {
  /** Name of the image's input; the only one by default. */
  readonly input?: string;
  /** What the file's other inputs are fed, a number for all elements of each. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Name of what holds the scores, an output of the file or of any node; by default the output that can hold them. */
  readonly output?: string;
  /** Whether rounding hands its gradient through. */
  readonly straightThrough?: boolean;
  /** Channels in a block, for a file that was optimised for one kind of CPU and does not show it. */
  readonly blockSize?: number;
  /** Bytes of constants that the file may make beside what it stores; 768 MiB by default, or more if it stores much. */
  readonly maxConstants?: number;
  /** Whether the output is taken as it stands: a softmax stays, and so does a single number. */
  readonly raw?: boolean;
}

/** An imported network: an architecture without parameters, whose weights are constants of its graph. */
export interface ImportedNetwork extends Architecture {
  /** Batch that the file states; null where it leaves it open. */
  readonly statedBatch: number | null;
  /** Remarks on gradients, precision, batch and outputs. */
  readonly notes: readonly Note[];
  /** What one run of the batch that the file states takes, or of one image. */
  readonly resources: ResourceEstimate;
  /** What stands at the end of the file and was taken off to find the logits: `Softmax`. */
  readonly removed: readonly string[];
  /** What was taken off, and how one score became two classes, in sentences. */
  readonly head: readonly string[];
  /** The file's values that the scores depend on, inputs before users, for images x [batch, ...]. */
  trace(x: Value): readonly TracedValue[];
}

/** Batches of the stated size on which a rewrite to other sizes is checked. */
export const CHECKED_BATCHES = 3;

/** Numbers that the images of one batch may have. */
const MAX_PIXELS = 2 ** 25;

/**
 * The classifier in a file, for images [batch, channel, height, width] in [0, 1] (or whatever shape it takes after the
 * batch). Softmax and the like are taken off its end. A file whose input has no batch axis, has it last, or works for one
 * image alone is run image by image. Throws `UsageError` for what cannot be read.
 */
export function importedNetwork(
  model: OnnxModel,
  name: string,
  options: ImportedOptions = {},
): ImportedNetwork {
  const output = scoresOf(model, options.output);
  if (options.output === undefined && holdsNoScores(model))
    refuseSingleNumber(model, output, options);
  const input = pictureInput(model, output, options.input, options.constants);
  const refusals: string[] = [];
  for (const axes of inputAxes(input, options)) {
    const ends: Ends = { input, axes, output };
    try {
      return networkWith(model, name, ends, options);
    } catch (error) {
      if (!(error instanceof UsageError) || error.cause instanceof UnknownOperator) throw error;
      const fixed = withOnlyBatch(model, ends, options);
      if (fixed !== null) return networkWith(model, name, fixed, options);
      if (!refusals.includes(error.message)) refusals.push(error.message);
    }
  }
  const [first, ...others] = refusals;
  // Whether a stated length counts images is a guess, so the caller sees what both guesses lead to.
  const isGuess = Number(input.shape?.[0]) > 1;
  const also = isGuess ? others.map((text) => `; and read in other axes: ${text}`) : [];
  throw new UsageError(`${first}${also.join("")}`);
}

/** Refuses a file whose outputs are single numbers for a batch, and names what in it can hold scores. */
function refuseSingleNumber(model: OnnxModel, output: Declared, options: ImportedOptions): never {
  const candidates = imageInputs(model.inputs).flatMap((input) => {
    try {
      const image = imageOf(input, options);
      const x = g.input("x", [2, ...image.shape]);
      const fed = { [input.name]: prepared(x, input, image, options) };
      return scoreCandidates(traceGraph(model, fed, { wanted: [output.name] }), 2);
    } catch (error) {
      if (error instanceof UsageError) return [];
      throw error;
    }
  });
  throw new UsageError(
    `output ${output.name} is a single number for a whole batch, as an accuracy or a loss is, and not a row of scores for each image; ${candidates.length === 0 ? "name the scores by --output" : `values of the file that can be the scores: --output ${listed(candidates)}`}`,
  );
}

/** What of a file is read, and how. */
interface Ends {
  readonly input: Declared;
  readonly axes: InputAxes;
  readonly output: Declared;
}

/** The ends with the only batch that the graph works for, where the file leaves it open; else null. */
function withOnlyBatch(
  model: OnnxModel,
  { input, axes, output }: Ends,
  options: ImportedOptions,
): Ends | null {
  if (axes.statedBatch !== null) return null;
  const { straightThrough = false, constants = {}, blockSize } = options;
  const shapeFor = (batch: number) => {
    try {
      const image = imageOf(axes.declared, options);
      const names = boundNames(axes.declared, image);
      const fed = otherInputs(model, input, output, constants, batch, names);
      const x = g.input("x", [batch, ...image.shape]);
      fed[input.name] = axes.arrange(prepared(x, axes.declared, image, options));
      const settings: ImportOptions = { straightThrough, wanted: [output.name] };
      const block = blockSize === undefined ? settings : { ...settings, blockSize };
      return importGraph(model, fed, block).outputs[output.name].shape;
    } catch (error) {
      if (error instanceof UsageError) return null;
      throw error;
    }
  };
  const batch = onlyBatch(shapeFor);
  return batch === null ? null : { input, axes: fixedTo(axes, batch), output };
}

/** The classifier in a file whose input holds images in these axes. */
function networkWith(
  model: OnnxModel,
  name: string,
  { input, axes, output }: Ends,
  options: ImportedOptions,
): ImportedNetwork {
  const { declared, statedBatch: stated } = axes;
  const image = imageOf(declared, options);
  const names = boundNames(declared, image);
  const fed = (x: Value) => ({
    ...otherInputs(model, input, output, options.constants ?? {}, x.shape[0], names),
    [input.name]: axes.arrange(prepared(x, declared, image, options)),
  });
  const { straightThrough = false } = options;
  const settings = (batch: number) => ({
    straightThrough,
    wanted: [output.name],
    ...(options.blockSize !== undefined && { blockSize: options.blockSize }),
    ...(options.maxConstants !== undefined && { maxConstants: options.maxConstants }),
    ...(stated !== null && stated !== batch && { batch: { stated, wanted: batch } }),
  });
  const read = (x: Value) => {
    const batch = x.shape[0];
    const result = importGraph(model, fed(x), settings(batch));
    const end = result.outputs[output.name];
    return {
      end,
      notes: [...imageNotes(declared, options), ...result.notes],
      ...(options.raw ? outputsOf : logitsOf)(end, batch, output.name),
    };
  };
  function ofBatch(batch: number): ReturnType<typeof read> {
    try {
      return read(g.input("x", [batch, ...image.shape]));
    } catch (error) {
      // The only one that can come from here: a stack that ran over.
      if (!(error instanceof RangeError)) throw error;
      throw new UsageError(`${name} is nested too deeply to be read`, { cause: error });
    }
  }
  const pixels = sizeOf(image.shape);
  if (!((stated ?? 1) * pixels <= MAX_PIXELS))
    throw new UsageError(
      `the file takes images of [${image.shape.join(", ")}]${stated === null || stated === 1 ? "" : ` in batches of ${stated}`}, which is more than ${MAX_PIXELS} numbers; it is damaged, or was made to exhaust this machine`,
    );
  /** As `ofBatch`; an operator that cannot be read is reported with the values in front of it that can be the scores. */
  function readFirst(batch: number): ReturnType<typeof read> {
    try {
      return ofBatch(batch);
    } catch (error) {
      if (!(error instanceof UnknownOperator)) throw error;
      const x = g.input("x", [batch, ...image.shape]);
      const candidates = scoreCandidates(traceGraph(model, fed(x), settings(batch)), batch);
      if (candidates.length === 0) throw error;
      throw new UsageError(
        `${error.message}; if it is only post-processing, name what comes before it by --output, for example ${listed(candidates)}`,
        { cause: error },
      );
    }
  }
  const first = readFirst(stated ?? 1);
  const classes = first.logits.shape[1];
  const resources = estimateResources([first.logits]);
  const allowed = resourceLimits({
    stored: storedBytes([first.logits]),
    image: options.shape === undefined ? 0 : 4 * pixels,
    generated: resources.generated,
    maxConstants: options.maxConstants,
  });
  requireWithinLimits(resources, allowed, stated ?? 1);
  /** Why the file cannot be read for another batch; null where it can. Whether the numbers are right, a run must show. */
  function refusal(batch: number): string | null {
    try {
      const { shape } = ofBatch(batch).logits;
      return shape.join() === `${batch},${classes}`
        ? null
        : `scores of [${shape.join(", ")}] for ${batch} images`;
    } catch (error) {
      if (error instanceof UsageError) return error.message;
      throw error;
    }
  }
  // A rewritten file is checked on several batches at once, which a network that needs much is spared.
  const spare = (["alive", "written", "work"] as const).every(
    (what) => CHECKED_BATCHES * resources[what] <= allowed[what],
  );
  const notes = [...choiceNotes(model, output, options.output), ...first.notes];
  if (axes.note !== null) notes.unshift(axes.note);
  function fixedBatch(): number | null {
    if (!axes.batchFirst) return 1;
    if (stated !== null) return spare && [2, 3].every((n) => refusal(n) === null) ? null : stated;
    const why = refusal(2);
    if (why === null) return null;
    if (first.end.shape.length === 0)
      throw new UsageError(
        `output ${output.name} is a single number for a whole batch, as an accuracy or a loss is; choose another --output`,
      );
    notes.unshift({
      code: "single-image",
      text: `the file leaves its batch open and works for one image alone, so images are run one by one (two at once: ${why})`,
    });
    return 1;
  }
  return {
    name,
    inputShape: image.shape,
    classes,
    parameters: [],
    fixedBatch: fixedBatch(),
    statedBatch: stated,
    dropout: { rate: 0, masks: {} },
    notes,
    removed: first.removed,
    resources,
    head: headSentences(first),
    foreign: true,
    input: (x) => prepared(x, declared, image, options),
    forward: (x) => ({ logits: read(x).logits, statistics: {} }),
    answers: (x) => answersOf(read(x)),
    trace: (x) => traceGraph(model, fed(x), settings(x.shape[0])),
  };
}
