// Einstein summation: https://onnx.ai/onnx/operators/onnx__Einsum.html (opset 12, one version).
// The import contracts operands from left to right, with one matrix product per pair.

import { elementCount } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { checkSize } from "./constants.ts";
import type { Importer, ImportNode } from "./import-node.ts";

/** A value with a name per axis: a letter, or a number for an axis of an ellipsis. */
interface Named {
  readonly value: Value;
  readonly axes: readonly string[];
}

/** The names of the axes of one term. The axes of "..." are named 0, 1, … from the right. */
function namesOf(node: ImportNode, term: string, rank: number): string[] {
  const [before, after, ...more] = term.split("...");
  if (more.length > 0) throw node.invalid(`term ${term} of the equation has more than one "..."`);
  if (after === undefined) {
    if (before.length !== rank)
      throw node.invalid(
        `term ${term} of the equation has ${before.length} letters for ${rank} axes`,
      );
    return [...before];
  }
  const open = rank - before.length - after.length;
  if (open < 0)
    throw node.invalid(`term ${term} of the equation has more letters than the ${rank} axes`);
  return [...before, ...Array.from({ length: open }, (_, i) => `${open - 1 - i}`), ...after];
}

/** The sum over all axes that are not needed. */
function summed({ value, axes }: Named, needed: ReadonlySet<string>): Named {
  const unneeded = axes.flatMap((name, axis) => (needed.has(name) ? [] : [axis]));
  if (unneeded.length === 0) return { value, axes };
  return { value: g.sum(value, unneeded), axes: axes.filter((name) => needed.has(name)) };
}

/** The diagonal of each pair of axes with the same name, as in x[i, i]. */
function diagonals(node: ImportNode, operand: Named): Named {
  const repeated = operand.axes.findIndex((name, axis) => operand.axes.indexOf(name) !== axis);
  if (repeated < 0) return operand;
  const first = operand.axes.indexOf(operand.axes[repeated]);
  const { value, axes } = operand;
  const n = value.shape[first];
  checkSize(node, [n, n]);
  const eye = new Float32Array(n * n);
  for (let i = 0; i < n; i++) eye[i * n + i] = 1;
  const shape = value.shape.map((_, axis) => (axis === first || axis === repeated ? n : 1));
  const mask = g.cast(g.constant({ dtype: "float32", shape, data: eye }), value.dtype);
  return diagonals(node, {
    value: g.sum(g.mul(value, mask), [repeated]),
    axes: axes.filter((_, axis) => axis !== repeated),
  });
}

/** The value with its axes in this order; missing axes have length 1. */
function arranged({ value, axes }: Named, order: readonly string[]): Value {
  const own = order.filter((name) => axes.includes(name));
  const transposed = g.transpose(
    value,
    own.map((name) => axes.indexOf(name)),
  );
  const shape = order.map((name) => (axes.includes(name) ? value.shape[axes.indexOf(name)] : 1));
  return g.reshape(transposed, shape);
}

/** The product of two operands, summed over all axes that are not needed. */
function contracted(a: Named, b: Named, needed: ReadonlySet<string>): Named {
  const x = summed(a, new Set([...needed, ...b.axes]));
  const y = summed(b, new Set([...needed, ...a.axes]));
  const shared = x.axes.filter((name) => y.axes.includes(name));
  const batch = shared.filter((name) => needed.has(name));
  const inner = shared.filter((name) => !needed.has(name));
  const left = x.axes.filter((name) => !shared.includes(name));
  const right = y.axes.filter((name) => !shared.includes(name));
  const axes = [...batch, ...left, ...right];
  if (inner.length === 0) return { value: g.mul(arranged(x, axes), arranged(y, axes)), axes };
  const m = arranged(x, [...batch, ...left, ...inner]);
  const n = arranged(y, [...batch, ...inner, ...right]);
  const size = (v: Value, from: number, count: number) =>
    elementCount(v.shape.slice(from, from + count));
  const k = batch.length;
  const product = g.matmul(
    g.reshape(m, [
      ...m.shape.slice(0, k),
      size(m, k, left.length),
      size(m, k + left.length, inner.length),
    ]),
    g.reshape(n, [
      ...n.shape.slice(0, k),
      size(n, k, inner.length),
      size(n, k + inner.length, right.length),
    ]),
  );
  const shape = [
    ...product.shape.slice(0, k),
    ...m.shape.slice(k, k + left.length),
    ...n.shape.slice(k + inner.length),
  ];
  return { value: g.reshape(product, shape), axes };
}

/** Names of the axes of the result. Without an arrow, these are the letters that occur once, in alphabetical order. */
function resultAxes(operands: readonly Named[], stated: string | undefined): string[] {
  const all = operands.flatMap(({ axes }) => axes);
  const isOpen = (name: string) => /\d/.test(name);
  const open = [...new Set(all.filter(isOpen))].sort((a, b) => Number(b) - Number(a));
  if (stated === undefined) {
    const letters = all.filter((name) => !isOpen(name));
    const once = [...new Set(letters)]
      .filter((name) => letters.filter((one) => one === name).length === 1)
      .sort();
    return open.concat(once);
  }
  const [before, after] = stated.split("...");
  return after === undefined ? [...before] : [...before, ...open, ...after];
}

/** Multiplies along axes with the same name, and sums over axes that are not in the result. */
export const einsum: Importer = (node) => {
  const equation = node.string("equation", "").replaceAll(" ", "");
  const [terms, stated] = equation.split("->");
  const operands = terms.split(",").map((term, i) => {
    const value = node.input(i);
    return diagonals(node, { value, axes: namesOf(node, term, value.shape.length) });
  });
  const result = resultAxes(operands, stated);
  const needed = (from: number) =>
    new Set([...result, ...operands.slice(from).flatMap(({ axes }) => axes)]);
  let total = operands[0];
  for (let i = 1; i < operands.length; i++) total = contracted(total, operands[i], needed(i + 1));
  return arranged(summed(total, new Set(result)), result);
};
