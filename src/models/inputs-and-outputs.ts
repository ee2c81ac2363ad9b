// Chooses the input of an imported file that takes the image and the output that holds the scores, and feeds the other
// inputs.

import * as g from "../engine/graph/expressions.ts";
import { flat } from "../engine/graph/interpret-arrays.ts";
import type { Value } from "../engine/graph/value.ts";
import { needed, unfedInputs } from "../engine/onnx/import/order.ts";
import type { Declared, OnnxModel } from "../engine/onnx/model.ts";
import { lookUp } from "../math/look-up.ts";
import type { Note } from "../math/note.ts";
import { type DType, elementCount } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";

/** The maximum number of elements of an input besides the image. */
const MAX_ELEMENTS = 2 ** 25;

const list = (all: readonly Declared[]) =>
  all
    .map(({ name, shape }) => `${name} [${shape?.map((n) => n ?? "?").join(", ") ?? "?"}]`)
    .join(", ");

const isFloat = (dtype: DType): boolean => dtype.startsWith("float");

function named(all: readonly Declared[], name: string, kind: "input" | "output"): Declared {
  const found = all.find((one) => one.name === name);
  if (found === undefined)
    throw new UsageError(`the file has no ${kind} ${name}; its ${kind}s are ${list(all)}`, {
      code: "misfit",
    });
  return found;
}

function requireSome(all: readonly Declared[], kind: "input" | "output"): void {
  if (all.length === 0)
    throw new UsageError(
      `the file has no ${kind} that holds an array; is it a classifier, and whole?`,
      { code: "bad-file" },
    );
}

/** How likely an output holds a row of scores per image, from 0 (impossible) to 5, by its declaration. */
function plausibility({ dtype, shape }: Declared): number {
  if (shape === null) return isFloat(dtype) ? 4 : 1;
  if (shape.length === 0) return 0;
  if (!isFloat(dtype)) return 1;
  const row = shape.slice(1).filter((n) => n !== 1);
  if (shape.length === 1 || row.length === 0) return 3;
  return row.length === 1 ? 5 : 2;
}

/** Whether the output `later` is computed from the output `earlier`. */
const dependsOn = ({ graph }: OnnxModel, later: Declared, earlier: Declared): boolean =>
  later !== earlier &&
  needed(graph.node, [later.name]).some(({ output }) => output.includes(earlier.name));

/**
 * The output with the scores: the output or the value with this name, or without a name the most plausible output. Of
 * equally plausible outputs, one that no other of them depends on, else the first. Throws `UsageError` for an unknown
 * name.
 */
export function scoresOf(model: OnnxModel, name: string | undefined): Declared {
  const isValue = model.graph.node.some(
    ({ output }) => name !== undefined && output.includes(name),
  );
  if (isValue && !model.outputs.some((one) => one.name === name))
    return { name: name ?? "", elementType: 0, dtype: "float32", shape: null };
  if (name !== undefined) return named(model.outputs, name, "output");
  requireSome(model.outputs, "output");
  const best = mostPlausible(model);
  return best.find((one) => !best.some((other) => dependsOn(model, other, one))) ?? best[0];
}

/** The outputs that are most likely to hold the scores. */
function mostPlausible({ outputs }: OnnxModel): Declared[] {
  const highest = Math.max(...outputs.map(plausibility));
  return outputs.filter((one) => plausibility(one) === highest);
}

/** A note if the output was chosen among several equally plausible ones. */
export function choiceNotes(model: OnnxModel, chosen: Declared, name: string | undefined): Note[] {
  if (name !== undefined) return [];
  const others = mostPlausible(model).filter((one) => one !== chosen);
  if (others.length === 0) return [];
  return [
    {
      code: "chosen-output",
      text: `scores are taken from output ${list([chosen])}; the file also has ${list(others)}, which --output chooses`,
    },
  ];
}

/** Whether every output is a single number although images come in batches: an accuracy or a loss, but no scores. */
export const holdsNoScores = ({ inputs, outputs }: OnnxModel): boolean =>
  outputs.every((one) => plausibility(one) === 0) &&
  inputs.some(({ shape }) => (shape?.length ?? 0) > 1 && typeof shape?.[0] !== "number");

/** The inputs that can take images, those with most axes first. */
export function imageInputs(inputs: readonly Declared[]): Declared[] {
  const candidates = inputs.filter(
    ({ dtype, shape }) => isFloat(dtype) && (shape?.length ?? 4) >= 2,
  );
  const rank = ({ shape }: Declared) => shape?.length ?? 4;
  return candidates.sort((a, b) => rank(b) - rank(a));
}

/**
 * The input that takes the image: the input with this name. Without a name it is the only input that the scores depend on,
 * that is not a constant, and that can hold images. If there are several, it is the only one with the most axes, if these
 * are at least three. Throws `UsageError` if no input or several inputs could take the image.
 */
export function imageInputOf(
  model: OnnxModel,
  output: Declared,
  name: string | undefined,
  constants: Readonly<Record<string, number>> = {},
): Declared {
  if (name !== undefined) return named(model.inputs, name, "input");
  requireSome(model.inputs, "input");
  const needed = unfedInputs(model, [], [output.name]);
  const candidates = needed.length === 0 ? model.inputs : needed;
  if (candidates.length === 1) return candidates[0];
  const open = candidates.filter((one) => lookUp(constants, one.name) === undefined);
  const [first, second] = imageInputs(open);
  const axes = (one: Declared | undefined) => one?.shape?.length ?? 0;
  if (
    first !== undefined &&
    (second === undefined || (axes(first) > 2 && axes(first) > axes(second)))
  )
    return first;
  if (open.length === 1) return open[0];
  throw new UsageError(
    `the file has ${candidates.length} inputs: ${list(candidates)}; say which takes the image with --image-input`,
    { code: "missing-option" },
  );
}

/**
 * The inputs besides the image that the scores depend on, each filled with one number, in the shape of its declaration. A named open length is the one that the image binds the name to; other open lengths are the batch on the
 * first axis and 1 elsewhere. Throws `UsageError` for a missing, an unknown or an impossible constant.
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
      { code: "misfit" },
    );
  const unfed = unfedInputs(model, [image.name, ...Object.keys(constants)], [output.name]);
  if (unfed.length > 0)
    throw new UsageError(
      `besides the image the file is fed ${list(unfed)}; state each as a number: --constants ${unfed.map(({ name }) => `${name}=0`).join(",")}`,
      { code: "missing-option" },
    );
  const inputs: Record<string, Value> = {};
  for (const input of others) {
    const value = lookUp(constants, input.name);
    if (value !== undefined) inputs[input.name] = constantInput(input, value, batch, names);
  }
  return inputs;
}

/** An input whose elements are all `value`. */
function constantInput(
  { name, dtype, shape }: Declared,
  value: number,
  batch: number,
  names: ReadonlyMap<string, number>,
): Value {
  const lengths = (shape ?? []).map((n, axis) => {
    if (typeof n === "number" && n > 0) return n;
    const bound = typeof n === "string" ? names.get(n) : undefined;
    return bound ?? (axis === 0 ? batch : 1);
  });
  if (!(elementCount(lengths) <= MAX_ELEMENTS))
    throw new UsageError(
      `input ${name} [${lengths.join(", ")}] is more than ${MAX_ELEMENTS} numbers; the file is damaged, or was made to exhaust this machine`,
      { code: "bad-file" },
    );
  if (dtype === "bool" && value !== 0 && value !== 1)
    throw new UsageError(`input ${name} takes true or false, and ${value} is none`, {
      code: "bad-option",
    });
  if (dtype !== "bool" && !isFloat(dtype) && !Number.isInteger(value))
    throw new UsageError(`input ${name} takes whole numbers, and ${value} is none`, {
      code: "bad-option",
    });
  return g.constant(flat(dtype, lengths, () => value));
}
