// How much rounding can change a replacement of the backward walk, per element of a node: the factors of |A| in `error`.

import { ceil32 } from "../../math/neighbours.ts";
import { elementCount } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import type { Value } from "../graph/value.ts";
import { type Interval, magnitude } from "./interval.ts";
import { intervalOfNode } from "./interval-rules.ts";
import { pullLinear } from "./linear-rules.ts";
import type { Plan } from "./plan.ts";
import type { Relaxation } from "./relaxations.ts";
import { type FloatType, gamma, UNIT, up } from "./rounding.ts";

/**
 * γ for everything that a walk computes in doubles: no sum has as many terms. The bias and the concretisation are sums
 * over at most 2¹⁸ elements, and there are fewer than 2¹⁷ of them.
 */
export const FINE = gamma(2 ** 20, "float64");
export const MAX_ELEMENTS = 2 ** 18;

/** Rounding errors of the few operations that compute a scale. */
const GENEROUS = 1 + 2 ** -30;

const point = (shape: readonly number[], values: Float64Array): Interval => ({
  shape,
  lower: values,
  upper: values,
});

const times = (values: Float64Array, factor: number): Float64Array =>
  values.map((value) => value * factor);

/** The smallest normal float32. Processors may read smaller numbers as 0. */
const SMALLEST = 2 ** -126;

/**
 * Factors [size] that are not negative as numbers of a float type, so much larger that a sum of up to `size` products with
 * them, computed in that type, is at least the exact sum with the factors themselves. Room for up to eight such arrays to
 * be added up first.
 */
export function roundedUp(factors: Float64Array, type: FloatType): Float64Array {
  const room = 1 + 2 * gamma(factors.length + 32, type);
  return factors.map((factor) => {
    if (factor === 0) return 0;
    const larger = up(factor * room);
    return type === "float32" ? ceil32(Math.max(SMALLEST, larger)) : larger;
  });
}

/** max |value| of a node's elements. */
export const sizesOf = (plan: Plan, node: Value, intervals: ReadonlyMap<Value, Interval>) =>
  magnitude((intervals.get(node) ?? plan.constantIntervals.get(node)) as Interval);

/** γ·|c| + distance for a constant: what rounding a product with it, and its own rounding, can change per unit. */
function errorOfConstant(plan: Plan, node: Value, factor: number): Float64Array {
  const { array, distance } = plan.constant(node);
  return Float64Array.from(
    { length: array.data.length },
    (_, i) => Math.abs(Number(array.data[i])) * factor + (distance?.[i] ?? 0),
  );
}

/** The scale of a linear node, per element of its output. */
export function linearScale(
  plan: Plan,
  node: Value,
  intervals: ReadonlyMap<Value, Interval>,
): Float64Array {
  const pulled = pullLinear(node, g.input("a", [1, ...node.shape], plan.type), plan) ?? [];
  const terms = Math.max(0, ...pulled.map((one) => one.terms));
  const factor = gamma(terms + 8, plan.type);
  // Coefficients that meet the same number of a constant that is added are summed in the float type.
  const shiftError = (input: Value): number => {
    const repeats = elementCount(node.shape) / elementCount(input.shape);
    return FINE + (repeats > 1 ? gamma(repeats + 8, plan.type) : 0);
  };
  const isProduct = node.op === "Mul" || node.op === "MatMul" || node.op === "Conv";
  const parts = node.inputs.map((input) => {
    // Indices.
    if (plan.is(input) && !input.dtype.startsWith("float"))
      return plan.constantIntervals.get(input) as Interval;
    if (plan.is(input))
      return point(
        input.shape,
        errorOfConstant(plan, input, isProduct ? factor : shiftError(input)),
      );
    const sizes = sizesOf(plan, input, intervals);
    if (isProduct) return point(input.shape, sizes);
    return point(input.shape, terms > 0 ? times(sizes, factor) : times(sizes, 0));
  });
  // Errors of both sides of a difference add up.
  const combined = node.op === "Sub" ? g.add(node.inputs[0], node.inputs[1]) : node;
  return times(intervalOfNode(combined, parts).upper, GENEROUS);
}

/** The scale of a relaxed node: rounding one product per slope, and the intercepts in doubles. */
export function relaxedScale(
  plan: Plan,
  node: Value,
  intervals: ReadonlyMap<Value, Interval>,
  relaxation: Relaxation,
): Float64Array {
  const factor = gamma(8, plan.type);
  const sizes = node.inputs.map((input) => sizesOf(plan, input, intervals));
  const { lowerSlopes, upperSlopes, lowerIntercept, upperIntercept } = relaxation;
  return lowerIntercept.map((low, i) => {
    let scale = FINE * Math.max(Math.abs(low), Math.abs(upperIntercept[i]));
    for (const [k, size] of sizes.entries()) {
      // A ReLU's lower slope may be replaced by any other in [0, 1].
      const steepest = Math.max(1, Math.abs(lowerSlopes[k][i]), Math.abs(upperSlopes[k][i]));
      scale += factor * steepest * size[i] + FINE * size[i];
    }
    return scale * GENEROUS;
  });
}

/** The scale of an addition of coefficients of a node. */
export const additionScale = (
  plan: Plan,
  node: Value,
  intervals: ReadonlyMap<Value, Interval>,
): Float64Array => times(sizesOf(plan, node, intervals), 4 * UNIT[plan.type]);
