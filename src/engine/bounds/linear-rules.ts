// The backward rules of the linear operators: the gradient rules by the input, with one more leading axis of rows.

import { elementCount, type Shape } from "../../math/tensor.ts";
import { keepReduced, sumTo, ungather, unpool, unslice } from "../autodiff/adjoints.ts";
import * as g from "../graph/expressions.ts";
import { is, type Value } from "../graph/value.ts";

/** Coefficients by the input of a linear node, and the number of products that one of them sums. */
export interface Pulled {
  readonly input: Value;
  readonly coefficients: Value;
  readonly terms: number;
}

/** Operators that move, repeat, sum or average elements: their weights are part of the operator. */
export const MOVING: ReadonlySet<string> = new Set([
  "Reshape",
  "Transpose",
  "Expand",
  "Slice",
  "Pad",
  "Concat",
  "Gather",
  "AveragePool",
  "ReduceSum",
  "StopGradient",
]);

/** Whether a node depends on no input of the network, and its value as a constant of the float type of the walk. */
export interface Constants {
  is(node: Value): boolean;
  value(node: Value): Value;
}

/** Broadcasting repeats x [...shape]; its adjoint adds the coefficients [rows, ...y] of the copies up. */
export function unbroadcast(a: Value, rows: number, shape: Shape): Value {
  const missing = a.shape.length - 1 - shape.length;
  const padded = [...new Array<number>(missing).fill(1), ...shape];
  return g.reshape(sumTo(a, [rows, ...padded]), [rows, ...shape]);
}

const swapLast = (v: Value): Value => {
  const axes = v.shape.map((_, axis) => axis);
  return g.transpose(v, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
};

/** [rows, batch, …] as [rows · batch, …], and back. */
const merged = (a: Value): Value => {
  const [rows, batch, ...inner] = a.shape;
  return g.reshape(a, [rows * batch, ...inner]);
};

const shifted = (axes: readonly number[]): number[] => axes.map((axis) => axis + 1);

/**
 * Coefficients a [rows, ...y] by the inputs of a linear node that are not constant; null if the node is not linear in
 * them, or has no rule.
 */
export function pullLinear(node: Value, a: Value, constants: Constants): Pulled[] | null {
  const [rows] = a.shape;
  const [first, second] = node.inputs;
  const repeats = (input: Value) =>
    Math.max(1, elementCount(node.shape) / elementCount(input.shape));
  const back = (input: Value, coefficients: Value): Pulled => ({
    input,
    coefficients: unbroadcast(coefficients, rows, input.shape),
    terms: repeats(input) - 1,
  });
  const one = (coefficients: Value, terms = 0): Pulled[] => [{ input: first, coefficients, terms }];

  if (is(node, "Add"))
    return node.inputs.filter((input) => !constants.is(input)).map((input) => back(input, a));
  if (is(node, "Sub")) {
    const parts: Pulled[] = [];
    if (!constants.is(first)) parts.push(back(first, a));
    if (!constants.is(second)) parts.push(back(second, g.neg(a)));
    return parts;
  }
  if (is(node, "Neg")) return one(g.neg(a));
  if (is(node, "Mul")) return scaled(node, a, constants, back);
  if (is(node, "MatMul")) return multiplied(node, a, constants);
  if (is(node, "Conv")) {
    if (constants.is(first) || !constants.is(second)) return null;
    const w = constants.value(second);
    const shape = [rows * first.shape[0], ...first.shape.slice(1)];
    const dx = g.convInputGradient(merged(a), w, shape, node.attrs);
    const terms = (second.shape[0] / node.attrs.groups) * second.shape[2] * second.shape[3];
    return one(g.reshape(dx, [rows, ...first.shape]), terms);
  }
  if (is(node, "AveragePool")) {
    const shape = [rows * first.shape[0], ...first.shape.slice(1)];
    const dx = unpool(merged(a), shape, node.attrs);
    return one(g.reshape(dx, [rows, ...first.shape]), elementCount(node.attrs.kernel));
  }
  if (is(node, "ReduceSum")) {
    const { axes } = node.attrs;
    const kept = keepReduced(a, [rows, ...first.shape], shifted(axes));
    return one(g.expand(kept, [rows, ...first.shape]));
  }
  return pullMoved(node, a);
}

/** As `pullLinear`, for operators that move elements. */
function pullMoved(node: Value, a: Value): Pulled[] | null {
  const [rows] = a.shape;
  const [first, second] = node.inputs;
  const one = (coefficients: Value, terms = 0): Pulled[] => [{ input: first, coefficients, terms }];
  if (is(node, "Reshape") || is(node, "StopGradient"))
    return one(g.reshape(a, [rows, ...first.shape]));
  if (is(node, "Transpose")) {
    const { perm } = node.attrs;
    const inverse = perm.map((_, axis) => perm.indexOf(axis));
    return one(g.transpose(a, [0, ...shifted(inverse)]));
  }
  if (is(node, "Expand"))
    return one(
      unbroadcast(a, rows, first.shape),
      elementCount(node.shape) / elementCount(first.shape) - 1,
    );
  if (is(node, "Slice")) {
    const { starts, stops, steps } = node.attrs;
    const attrs = { starts: [0, ...starts], stops: [rows, ...stops], steps: [1, ...steps] };
    return one(unslice(a, [rows, ...first.shape], attrs));
  }
  if (is(node, "Pad")) {
    const { before } = node.attrs;
    return one(
      first.shape.reduce(
        (v, n, axis) => g.sliceAxis(v, axis + 1, before[axis], before[axis] + n),
        a,
      ),
    );
  }
  if (is(node, "Concat")) {
    const { axis } = node.attrs;
    let start = 0;
    return node.inputs.map((input) => {
      const stop = start + input.shape[axis];
      const coefficients = g.sliceAxis(a, axis + 1, start, stop);
      start = stop;
      return { input, coefficients, terms: 0 };
    });
  }
  if (is(node, "Gather") && is(second, "Constant")) {
    const { axis } = node.attrs;
    return one(ungather(a, second, axis + 1, [rows, ...first.shape]), elementCount(second.shape));
  }
  return null;
}

const isSingle = ({ shape }: Value): boolean => elementCount(shape) === 1;

/**
 * One number [1, 1, …] as one per row of `a`. ONNX Runtime makes a constant with a single element next to a matrix product an
 * attribute of it, which is a float32 even if both matrices are in doubles.
 */
const perRow = (single: Value, a: Value): Value =>
  g.expand(single, [a.shape[0], ...single.shape.slice(1)]);

/** A product with a constant; null for a product of two values. */
function scaled(
  node: Value<"Mul">,
  a: Value,
  constants: Constants,
  back: (input: Value, coefficients: Value) => Pulled,
): Pulled[] | null {
  const [x, y] = node.inputs;
  if (constants.is(x) === constants.is(y)) return null;
  const [input, factor] = constants.is(x) ? [y, x] : [x, y];
  const { shape } = factor;
  const missing = node.shape.length - shape.length;
  const fitting = g.reshape(constants.value(factor), [
    1,
    ...new Array<number>(missing).fill(1),
    ...shape,
  ]);
  return [back(input, g.mul(a, isSingle(factor) ? perRow(fitting, a) : fitting))];
}

/** A matrix product with a constant on either side. */
function multiplied(node: Value<"MatMul">, a: Value, constants: Constants): Pulled[] | null {
  const [x, y] = node.inputs;
  const [rows] = a.shape;
  if (constants.is(x) === constants.is(y)) return null;
  const [input, product] = constants.is(y)
    ? [x, g.matmul(a, swapLast(constants.value(y)))]
    : [y, g.matmul(swapLast(constants.value(x)), a)];
  const repeated = Math.max(1, elementCount(product.shape) / (rows * elementCount(input.shape)));
  const inner = constants.is(y)
    ? node.shape[node.shape.length - 1]
    : node.shape[node.shape.length - 2];
  return [
    { input, coefficients: unbroadcast(product, rows, input.shape), terms: inner * repeated },
  ];
}
