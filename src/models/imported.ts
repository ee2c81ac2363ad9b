// A classifier from anybody's ONNX file: its pictures, its logits, and what stands between.

import * as g from "../graph/expressions.ts";
import type { Value } from "../graph/value.ts";
import { type Shape, sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { importGraph } from "../onnx/import.ts";
import type { Declared, OnnxModel } from "../onnx/model.ts";
import type { Architecture } from "./architecture.ts";
import { allowanceOf, type Demand, demandOf, requireModest, storedBytes } from "./demand.ts";
import { logitsOf, outputsOf } from "./logits.ts";

/** What a file does not say about its pictures. */
export interface Preprocessing {
  /** Per channel, of pixels in [0, 1]; what the network's own preprocessing subtracts and divides by. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** What white is to the network: 1, or 255; by default 255 where it takes bytes. */
  readonly scale?: number;
  /** Order of axes that the file takes; found from its input's shape where it is not given. */
  readonly layout?: "nchw" | "nhwc";
}

export interface ImportedOptions extends Preprocessing {
  /** Name of the picture's input; the only one by default. */
  readonly input?: string;
  /** Name of the output that holds the scores; the first one by default. */
  readonly output?: string;
  /** Numbers that other inputs than the picture's are fed with at every prediction, by name. */
  readonly feed?: Readonly<Record<string, number>>;
  /** [channel, height, width], needed where the file leaves it open; where it takes one channel, three stand for their grey. */
  readonly shape?: Shape;
  /** Whether rounding hands its gradient through. */
  readonly straightThrough?: boolean;
  /** Whether the output is taken as it stands: a softmax stays, and so does a single number. */
  readonly raw?: boolean;
}

/** An imported network: an architecture without parameters, whose weights are constants of its graph. */
export interface ImportedNetwork extends Architecture {
  /** Batch that the file states; null where it leaves it open. */
  readonly statedBatch: number | null;
  /** What whoever uses its gradients must know. */
  readonly notes: readonly string[];
  /** What one run of the batch that the file states takes, or of one picture. */
  readonly demand: Demand;
  /** What stands at the end of the file and was taken off to find the logits: `Softmax`. */
  readonly removed: readonly string[];
}

const list = (all: readonly Declared[]) =>
  all
    .map(({ name, shape }) => `${name} [${shape?.map((n) => n ?? "?").join(", ") ?? "?"}]`)
    .join(", ");

function chosen(
  all: readonly Declared[],
  name: string | undefined,
  kind: "input" | "output",
): Declared {
  if (name !== undefined) {
    const found = all.find((one) => one.name === name);
    if (found === undefined)
      throw new UsageError(`the file has no ${kind} ${name}; its ${kind}s are ${list(all)}`);
    return found;
  }
  const real = all.filter(
    ({ dtype, shape }) => dtype.startsWith("float") && (shape?.length ?? 4) >= 2,
  );
  if (kind === "output" || real.length === 1 || all.length === 1) return real[0] ?? all[0];
  throw new UsageError(
    `the file has ${all.length} inputs: ${list(all)}; say which takes the picture with --picture-input`,
  );
}

/** [channel, height, width] of the pictures, and how the file orders them. */
function pictureOf(
  input: Declared,
  options: ImportedOptions,
): { shape: Shape; layout: "nchw" | "nhwc"; rank: Shape } {
  const declared = (input.shape ?? [null, null, null, null]).slice(1);
  const known = (n: number | string | null): n is number => typeof n === "number" && n > 0;
  const few = (n: number | string | null) => known(n) && n <= 4;
  const layout =
    options.layout ??
    (declared.length === 3 && few(declared[2]) && !few(declared[0]) ? "nhwc" : "nchw");
  const ordered =
    layout === "nhwc" && declared.length === 3 ? [declared[2], declared[0], declared[1]] : declared;
  if (options.shape !== undefined) {
    const [channels, ...sides] = options.shape;
    const all = ordered.every(known) ? sizeOf(ordered) : null;
    const isGrey = channels === 3 && (ordered[0] === 1 || all === sizeOf(sides));
    const shape = isGrey ? [1, ...sides] : options.shape;
    const other = ordered.findIndex((n, i) => ordered.length === 3 && known(n) && n !== shape[i]);
    if (other >= 0 || (all !== null && all !== sizeOf(shape)))
      throw new UsageError(
        `the file takes pictures of [${ordered.map((n) => n ?? "any").join(", ")}] and was given [${shape.join(", ")}]; bring them to that size (--resize and --crop do it for folder:PATH)`,
      );
    return { shape, layout, rank: declared.length === 3 ? [] : declared.map(Number) };
  }
  if (!ordered.every(known))
    throw new UsageError(
      `the file leaves the size of its pictures open: ${input.name} [${(input.shape ?? ["?"]).map((n) => n ?? "?").join(", ")}]; give pictures of the size that it was trained on (--data)`,
    );
  return { shape: ordered, layout, rank: declared.length === 3 ? [] : ordered };
}

/** ONNX's number for unsigned bytes. */
const UINT8 = 2;
const takesBytes = ({ elementType }: Declared): boolean => elementType === UINT8;
const takesWholeNumbers = ({ dtype }: Declared): boolean => dtype === "int32" || dtype === "int64";

/** What whoever uses the gradients must know of the picture's input. */
const inputNotes = (input: Declared): string[] =>
  takesWholeNumbers(input)
    ? [
        `input ${input.name} takes whole numbers, so pixels are rounded before the network; gradients through that are approximate (straight-through)`,
      ]
    : [];

/** What other inputs than the picture's are fed with: a number each, in the shape that the file declares. */
function fedInputs(
  all: readonly Declared[],
  picture: Declared,
  feed: Readonly<Record<string, number>>,
  batch: number,
): Record<string, Value> {
  const others = all.filter((one) => one !== picture);
  const unknown = Object.keys(feed).find((name) => others.every((one) => one.name !== name));
  if (unknown !== undefined)
    throw new UsageError(
      `--feed names ${unknown}, which is no input beside the picture's ${picture.name}; the file's inputs are ${list(all)}`,
    );
  return Object.fromEntries(
    others.map((one) => {
      const { name, dtype, shape } = one;
      const value = feed[name];
      if (value === undefined)
        throw new UsageError(
          `the file also takes ${list([one])}, beside the picture's ${picture.name}; say what to feed it at every prediction with --feed ${name}=NUMBER (true is 1)`,
        );
      // An open length is the batch where it comes first, and 1 elsewhere.
      const lengths = (shape ?? []).map((n, axis) =>
        typeof n === "number" && n > 0 ? n : axis === 0 ? batch : 1,
      );
      const fed = g.constant({
        dtype: "float32",
        shape: lengths,
        data: new Float32Array(sizeOf(lengths)).fill(value),
      });
      return [name, dtype === "float32" ? fed : g.cast(fed, dtype)];
    }),
  );
}

/** Pixels [batch, ...shape] in [0, 1] as what the file takes. */
function prepared(
  x: Value,
  input: Declared,
  picture: ReturnType<typeof pictureOf>,
  options: ImportedOptions,
): Value {
  const { mean, std, scale = takesBytes(input) ? 255 : 1 } = options;
  const channels = picture.shape[0];
  const perChannel = (values: readonly number[], what: string) => {
    if (values.length !== 1 && values.length !== channels)
      throw new UsageError(`${what} has ${values.length} numbers for ${channels} channels`);
    const shape = [1, values.length, ...picture.shape.slice(1).map(() => 1)];
    return g.constant({ dtype: "float32", shape, data: Float32Array.from(values) });
  };
  let y = x;
  if (mean !== undefined) y = g.sub(y, perChannel(mean, "mean"));
  if (std !== undefined)
    y = g.mul(
      y,
      perChannel(
        std.map((s) => 1 / s),
        "std",
      ),
    );
  if (scale !== 1) y = g.mul(y, g.scalar(scale));
  if (takesWholeNumbers(input)) y = g.straightThrough(g.round(y), y);
  if (picture.rank.length > 0) return g.reshape(y, [x.shape[0], ...picture.rank]);
  if (picture.layout === "nhwc") y = g.transpose(y, [0, 2, 3, 1]);
  return input.dtype === "float64" ? g.cast(y, "float64") : y;
}

/** Batches of its own size that a rewritten file is checked on. */
export const CHECKED = 3;

/** Numbers that the pictures of one batch may have. */
const MOST_PIXELS = 2 ** 25;

/** The batch that the file states for an input; null where it leaves it open. */
const batchOf = ({ shape }: Declared): number | null =>
  typeof shape?.[0] === "number" && shape[0] > 0 ? shape[0] : null;

/**
 * The classifier in a file, for pictures [batch, channel, height, width] in [0, 1] (or whatever shape it takes after the
 * batch). Softmax and the like are taken off its end. Throws `UsageError` for what cannot be read.
 */
export function importedNetwork(
  model: OnnxModel,
  name: string,
  options: ImportedOptions = {},
): ImportedNetwork {
  const input = chosen(model.inputs, options.input, "input");
  const output = chosen(model.outputs, options.output, "output");
  const picture = pictureOf(input, options);
  const stated = batchOf(input);
  const read = (x: Value) => {
    const batch = x.shape[0];
    const { straightThrough = false, feed = {} } = options;
    const result = importGraph(
      model,
      {
        ...fedInputs(model.inputs, input, feed, batch),
        [input.name]: prepared(x, input, picture, options),
      },
      {
        straightThrough,
        ...(stated !== null && stated !== batch && { batch: { stated, wanted: batch } }),
      },
    );
    const end = result.outputs[output.name];
    return {
      notes: [...inputNotes(input), ...result.notes],
      ...(options.raw ? outputsOf : logitsOf)(end, batch, output.name),
    };
  };
  function ofBatch(batch: number): ReturnType<typeof read> {
    try {
      return read(g.input("x", [batch, ...picture.shape]));
    } catch (error) {
      // The only one that can come from here: a stack that ran over.
      if (!(error instanceof RangeError)) throw error;
      throw new UsageError(`${name} is nested too deeply to be read`, { cause: error });
    }
  }
  const pixels = sizeOf(picture.shape);
  if (!((stated ?? 1) * pixels <= MOST_PIXELS))
    throw new UsageError(
      `the file takes pictures of [${picture.shape.join(", ")}]${stated === null || stated === 1 ? "" : ` in batches of ${stated}`}, which is more than ${MOST_PIXELS} numbers; it is damaged, or was made to exhaust this machine`,
    );
  const first = ofBatch(stated ?? 1);
  const classes = first.logits.shape[1];
  const demand = demandOf([first.logits]);
  const allowed = allowanceOf(
    storedBytes([first.logits]),
    options.shape === undefined ? 0 : 4 * pixels,
  );
  requireModest(demand, allowed, stated ?? 1);
  /** Whether the file can be read for another batch at all; whether the numbers are right, a run must show. */
  function rewritable(batch: number): boolean {
    try {
      return ofBatch(batch).logits.shape.join() === `${batch},${classes}`;
    } catch (error) {
      if (error instanceof UsageError) return false;
      throw error;
    }
  }
  // A rewritten file is checked on several batches at once, which a network that needs much is spared.
  const spare =
    CHECKED * demand.alive <= allowed.alive && CHECKED * demand.written <= allowed.written;
  const fixedBatch = stated === null || (spare && [2, 3].every(rewritable)) ? null : stated;
  return {
    ...{
      name,
      inputShape: picture.shape,
      classes,
      parameters: [],
      fixedBatch,
      statedBatch: stated,
    },
    ...{ dropout: { rate: 0, masks: {} }, notes: first.notes, removed: first.removed, demand },
    foreign: true,
    forward: (x) => ({ logits: read(x).logits, statistics: {} }),
  };
}
