// Which of a foreign file's inputs takes the image, which output gives the scores, and what the other inputs are fed.

import * as g from "../engine/graph/expressions.ts";
import { flat } from "../engine/graph/interpret-arrays.ts";
import type { Value } from "../engine/graph/value.ts";
import { needed, unfedInputs } from "../engine/onnx/import/order.ts";
import type { Declared, OnnxModel } from "../engine/onnx/model.ts";
import type { Note } from "../math/note.ts";
import { own } from "../math/own.ts";
import { type DType, sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";

/** Numbers that an input besides the image may have. */
const MAX_ELEMENTS = 2 ** 25;

const list = (all: readonly Declared[]) =>
  all
    .map(({ name, shape }) => `${name} [${shape?.map((n) => n ?? "?").join(", ") ?? "?"}]`)
    .join(", ");

const isFloat = (dtype: DType): boolean => dtype.startsWith("float");

function named(all: readonly Declared[], name: string, kind: "input" | "output"): Declared {
  const found = all.find((one) => one.name === name);
  if (found === undefined)
    throw new UsageError(`the file has no ${kind} ${name}; its ${kind}s are ${list(all)}`);
  return found;
}

function requireSome(all: readonly Declared[], kind: "input" | "output"): void {
  if (all.length === 0)
    throw new UsageError(
      `the file has no ${kind} that holds an array; is it a classifier, and whole?`,
    );
}

/** How likely an output holds a row of scores for each image, by its declaration; 0 where it cannot. */
function likeness({ dtype, shape }: Declared): number {
  if (shape === null) return isFloat(dtype) ? 4 : 1;
  if (shape.length === 0) return 0;
  if (!isFloat(dtype)) return 1;
  const row = shape.slice(1).filter((n) => n !== 1);
  if (shape.length === 1 || row.length === 0) return 3;
  return row.length === 1 ? 5 : 2;
}

/** Whether the output `later` is computed from the output `earlier`. */
const comesFrom = ({ graph }: OnnxModel, later: Declared, earlier: Declared): boolean =>
  later !== earlier &&
  needed(graph.node, [later.name]).some(({ output }) => output.includes(earlier.name));

/**
 * The output with the scores, or any value of the file that has the name. Without a name the outputs are ranked by whether
 * they can hold a row of scores for each image; of equals the one that is computed last, else the first one of the file.
 */
export function scoresOf(model: OnnxModel, name: string | undefined): Declared {
  const made = model.graph.node.some(({ output }) => name !== undefined && output.includes(name));
  if (made && !model.outputs.some((one) => one.name === name))
    return { name: name ?? "", elementType: 0, dtype: "float32", shape: null };
  if (name !== undefined) return named(model.outputs, name, "output");
  requireSome(model.outputs, "output");
  const best = equals(model);
  return best.find((one) => !best.some((other) => comesFrom(model, other, one))) ?? best[0];
}

/** The outputs that are as likely as any to hold the scores. */
function equals({ outputs }: OnnxModel): Declared[] {
  const most = Math.max(...outputs.map(likeness));
  return outputs.filter((one) => likeness(one) === most);
}

/** What a reader should know of an output that was chosen among several. */
export function choiceNotes(model: OnnxModel, chosen: Declared, name: string | undefined): Note[] {
  if (name !== undefined) return [];
  const others = equals(model).filter((one) => one !== chosen);
  if (others.length === 0) return [];
  return [
    {
      code: "chosen-output",
      text: `scores are taken from output ${list([chosen])}; the file also has ${list(others)}, which --output chooses`,
    },
  ];
}

/** Whether every output is a single number, and images come in batches: an accuracy or a loss, and no scores. */
export const holdsNoScores = ({ inputs, outputs }: OnnxModel): boolean =>
  outputs.every((one) => likeness(one) === 0) &&
  inputs.some(({ shape }) => (shape?.length ?? 0) > 1 && typeof shape?.[0] !== "number");

/** The inputs that can take images, those with the most axes before the others. */
export function imageInputs(inputs: readonly Declared[]): Declared[] {
  const real = inputs.filter(({ dtype, shape }) => isFloat(dtype) && (shape?.length ?? 4) >= 2);
  const rank = ({ shape }: Declared) => shape?.length ?? 4;
  return real.sort((a, b) => rank(b) - rank(a));
}

/**
 * The input that takes the image: the one of that name, or the only one that the scores depend on, is not stated as a
 * constant, and can hold images. Among several one with three axes or more, if no other has as many, is it.
 */
export function pictureInput(
  model: OnnxModel,
  output: Declared,
  name: string | undefined,
  constants: Readonly<Record<string, number>> = {},
): Declared {
  if (name !== undefined) return named(model.inputs, name, "input");
  requireSome(model.inputs, "input");
  const read = unfedInputs(model, [], [output.name]);
  const feeding = read.length === 0 ? model.inputs : read;
  if (feeding.length === 1) return feeding[0];
  const open = feeding.filter((one) => own(constants, one.name) === undefined);
  const [first, second] = imageInputs(open);
  const axes = (one: Declared | undefined) => one?.shape?.length ?? 0;
  if (
    first !== undefined &&
    (second === undefined || (axes(first) > 2 && axes(first) > axes(second)))
  )
    return first;
  if (open.length === 1) return open[0];
  throw new UsageError(
    `the file has ${feeding.length} inputs: ${list(feeding)}; say which takes the image with --picture-input`,
  );
}

/**
 * The inputs besides the image that the scores depend on, each a number in the shape that the file declares. An open
 * length is what the image binds its name to; without such a name the batch where it comes first, and 1 elsewhere.
 */
export function otherInputs(
  model: OnnxModel,
  image: Declared,
  output: Declared,
  constants: Readonly<Record<string, number>>,
  batch: number,
  names: ReadonlyMap<string, number> = new Map(),
): Record<string, Value> {
  const others = model.inputs.filter((one) => one !== image);
  const unknown = Object.keys(constants).find((name) => others.every((one) => one.name !== name));
  if (unknown !== undefined)
    throw new UsageError(
      `the file has no input ${unknown} besides its image; its inputs are ${list(model.inputs)}`,
    );
  const unfed = unfedInputs(model, [image.name, ...Object.keys(constants)], [output.name]);
  if (unfed.length > 0)
    throw new UsageError(
      `besides the image the file is fed ${list(unfed)}; state each as a number: --constants ${unfed.map(({ name }) => `${name}=0`).join(",")}`,
    );
  return Object.fromEntries(
    others.flatMap(({ name, dtype, shape }) => {
      const value = own(constants, name);
      if (value === undefined) return [];
      const lengths = (shape ?? []).map((n, axis) => {
        if (typeof n === "number" && n > 0) return n;
        const bound = typeof n === "string" ? names.get(n) : undefined;
        return bound ?? (axis === 0 ? batch : 1);
      });
      if (!(sizeOf(lengths) <= MAX_ELEMENTS))
        throw new UsageError(
          `input ${name} [${lengths.join(", ")}] is more than ${MAX_ELEMENTS} numbers; the file is damaged, or was made to exhaust this machine`,
        );
      const isTruth = dtype === "bool";
      if (isTruth ? value !== 0 && value !== 1 : !isFloat(dtype) && !Number.isInteger(value))
        throw new UsageError(
          `input ${name} takes ${isTruth ? "true or false" : "whole numbers"}, and ${value} is none`,
        );
      return [[name, g.constant(flat(dtype, lengths, () => value))]];
    }),
  );
}
