// Which of a foreign file's inputs takes the picture, which output gives the scores, and what the other inputs are fed.

import * as g from "../graph/expressions.ts";
import { flat } from "../graph/interpret-arrays.ts";
import type { Value } from "../graph/value.ts";
import { type DType, sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { unfedInputs } from "../onnx/import-order.ts";
import type { Declared, OnnxModel } from "../onnx/model.ts";

/** Numbers that an input besides the picture may have. */
const MOST_ELEMENTS = 2 ** 25;

const list = (all: readonly Declared[]) =>
  all
    .map(({ name, shape }) => `${name} [${shape?.map((n) => n ?? "?").join(", ") ?? "?"}]`)
    .join(", ");

const isFloat = (dtype: DType): boolean => dtype.startsWith("float");

/** The input or output of that name; without one the only one that can be meant. */
export function chosen(
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
  if (all.length === 0)
    throw new UsageError(
      `the file has no ${kind} that holds an array; is it a classifier, and whole?`,
    );
  const real = all.filter(({ dtype, shape }) => isFloat(dtype) && (shape?.length ?? 4) >= 2);
  if (kind === "output" || real.length === 1 || all.length === 1) return real[0] ?? all[0];
  throw new UsageError(
    `the file has ${all.length} inputs: ${list(all)}; say which takes the picture with --picture-input`,
  );
}

/** The output with the scores, or any value of the file that has the name. */
export function scoresOf(model: OnnxModel, name: string | undefined): Declared {
  const made = model.graph.node.some(({ output }) => name !== undefined && output.includes(name));
  if (made && !model.outputs.some((one) => one.name === name))
    return { name: name ?? "", elementType: 0, dtype: "float32", shape: null };
  return chosen(model.outputs, name, "output");
}

/**
 * The inputs besides the picture that the scores depend on, each a number in the shape that the file declares. An open
 * length is what the picture binds its name to; without such a name the batch where it comes first, and 1 elsewhere.
 */
export function otherInputs(
  model: OnnxModel,
  picture: Declared,
  output: Declared,
  constants: Readonly<Record<string, number>>,
  batch: number,
  names: ReadonlyMap<string, number> = new Map(),
): Record<string, Value> {
  const others = model.inputs.filter((one) => one !== picture);
  const unknown = Object.keys(constants).find((name) => others.every((one) => one.name !== name));
  if (unknown !== undefined)
    throw new UsageError(
      `the file has no input ${unknown} besides its picture; its inputs are ${list(model.inputs)}`,
    );
  const unfed = unfedInputs(model, [picture.name, ...Object.keys(constants)], [output.name]);
  if (unfed.length > 0)
    throw new UsageError(
      `besides the picture the file is fed ${list(unfed)}; state each as a number: --constants ${unfed.map(({ name }) => `${name}=0`).join(",")}`,
    );
  return Object.fromEntries(
    others.flatMap(({ name, dtype, shape }) => {
      const value = constants[name];
      if (value === undefined) return [];
      const lengths = (shape ?? []).map((n, axis) => {
        if (typeof n === "number" && n > 0) return n;
        const bound = typeof n === "string" ? names.get(n) : undefined;
        return bound ?? (axis === 0 ? batch : 1);
      });
      if (!(sizeOf(lengths) <= MOST_ELEMENTS))
        throw new UsageError(
          `input ${name} [${lengths.join(", ")}] is more than ${MOST_ELEMENTS} numbers; the file is damaged, or was made to exhaust this machine`,
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
