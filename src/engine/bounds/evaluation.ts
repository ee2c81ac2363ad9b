// How far a float32 evaluation of each operator lies from real arithmetic, per element, a priori.
//
// The runtime computes a value y = op(x) as op(x̂) + η, where x̂ are the values that it computed before. `EvaluationErrors`
// bounds |η|. The bounds hold for sums in any order, with or without fused operations, for scales that are folded into
// the weights before or behind them, for biases and residuals that are part of such a sum, for denormal numbers that
// count as 0, and for Winograd's F(2×2, 3×3) if it is named. They rest on two assumptions: a value that several operators
// read is computed once, and the kernels of Exp and its like are as accurate as KERNEL.

import { elementCount } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { is, type Value } from "../graph/value.ts";
import { errorsOfConstants } from "./evaluation-constants.ts";
import {
  applied,
  type Conv3x3,
  EXTRA,
  errorOf,
  errorOfProduct,
  hasWinograd,
  isJoinable,
  JOINED,
  KERNEL,
  KERNELS,
  LARGEST,
  plus,
  ROOT,
  SUMS,
  type Sum,
  sizesOf,
  TINY,
  TRANSFORMS,
  termsOf,
  UNDERFLOW,
  winogradSize,
  zeros,
} from "./evaluation-sums.ts";
import { type Interval, magnitude } from "./interval.ts";
import type { Plan } from "./plan.ts";
import { gamma, up } from "./rounding.ts";
import { withoutBound } from "./unsupported.ts";

/** How a network is evaluated in float32. */
export interface Evaluation {
  /** Whether a 3×3 convolution of stride 1 may be computed by Winograd's F(2×2, 3×3), as blocked lowerings do. */
  readonly winograd: (conv: Conv3x3) => boolean;
}

/** Whether an evaluation of a node of the plan may round, so that a walk must count it. */
export const mayRound = (plan: Plan, node: Value): boolean =>
  isComputed(plan, node) || isCast(plan, node);

/** Whether the given network computes a node by its operator; other nodes are exact, or steps in between. */
const isComputed = (plan: Plan, node: Value): boolean =>
  computedBy(plan, node) !== undefined &&
  (SUMS.has(node.op) || JOINED.has(node.op) || KERNELS.has(node.op) || node.op === "Sqrt");

const computedBy = ({ sources }: Plan, node: Value): Value | undefined =>
  sources
    .get(node)
    ?.find(({ op }) => op === node.op || op === "Div" || op === "Pow" || REPLACED[op] === node.op);

/** The operators that end what replaces a Softmax, and a product of two matrices (see canonical.ts). */
const REPLACED: Readonly<Record<string, string>> = { Softmax: "Exp", MatMul: "ReduceSum" };

const isCast = ({ sources }: Plan, node: Value): boolean =>
  sources.get(node)?.some((source) => is(source, "Cast")) ?? false;

/** Bounds of the errors of one way to evaluate a plan's network. */
export class EvaluationErrors {
  readonly #plan: Plan;
  readonly #evaluation: Evaluation;
  readonly #readers = new Map<Value, Value[]>();
  readonly #constants: ReadonlyMap<Value, Float64Array>;

  constructor(plan: Plan, evaluation: Evaluation) {
    this.#plan = plan;
    this.#evaluation = evaluation;
    this.#constants = errorsOfConstants(plan.constantIntervals);
    const reader = plan.order.find(
      (node) => !isComputed(plan, node) && node.op !== "Concat" && this.#readsRounded(node),
    );
    if (reader !== undefined)
      throw withoutBound(
        reader,
        "reads a constant that float32 rounds, and no bound is known for this rounding error",
      );
    for (const node of new Set([...plan.sources.values()].flat()))
      for (const input of node.inputs) {
        const readers = this.#readers.get(input);
        if (readers === undefined) this.#readers.set(input, [node]);
        else readers.push(node);
      }
  }

  /**
   * A bound of |η| per element of a node; null where nothing rounds. `intervals` hold the computed values of its inputs,
   * and `exact` the values op(x̂).
   */
  of(node: Value, exact: Interval, intervals: ReadonlyMap<Value, Interval>): Float64Array | null {
    const error = isComputed(this.#plan, node)
      ? this.#computed(node, exact, intervals)
      : this.#concatenated(node);
    if (!isCast(this.#plan, node)) return error;
    const size = magnitude(exact);
    const cast = errorOf({ size, roundings: 4, other: zeros(size.length), underflow: 0 });
    return error === null ? cast : plus(error, cast);
  }

  /** The errors of the constants that a Concat reads. */
  #concatenated(node: Value): Float64Array | null {
    if (node.op !== "Concat" || !this.#readsRounded(node)) return null;
    const errors = node.inputs.map(
      (input) => this.#constants.get(input) ?? zeros(elementCount(input.shape)),
    );
    return applied(node, errors);
  }

  #readsRounded = ({ inputs }: Value): boolean =>
    inputs.some((input) => this.#constants.get(input)?.some((error) => error > 0));

  #computed(
    node: Value,
    exact: Interval,
    intervals: ReadonlyMap<Value, Interval>,
  ): Float64Array | null {
    if (KERNELS.has(node.op)) {
      const source = computedBy(this.#plan, node) as Value;
      const error = KERNEL + (is(source, "Softmax") ? errorOfSoftmaxSum(source) : 0);
      return errorOfKernel(exact, (y) => error * Math.max(1, y));
    }
    if (node.op === "Sqrt") return errorOfKernel(exact, (y) => ROOT * y + TINY);
    if (this.#isJoined(node)) return null;
    return errorOf(this.#sum(node, intervals));
  }

  /** Whether a node's only reader adds to it or scales it, which may happen before the last rounding of the node. */
  #isJoined(node: Value): boolean {
    const source = computedBy(this.#plan, node) as Value;
    const readers = this.#readers.get(source) ?? [];
    if (readers.length !== 1 || this.#isProduct(node)) return false;
    const [{ op, inputs }] = readers;
    if (op === "Div") return this.#plan.is(inputs[1]);
    if (op === "Mul") return inputs.some((input) => this.#plan.is(input));
    return JOINED.has(op);
  }

  #isProduct({ op, inputs }: Value): boolean {
    return op === "Mul" && !inputs.some((input) => this.#plan.is(input));
  }

  /** The sum that a node's input is, or has in it. */
  #inputOf(node: Value, intervals: ReadonlyMap<Value, Interval>): Sum {
    const error = this.#constants.get(node);
    if (!this.#plan.is(node) && isJoinable(node) && isComputed(this.#plan, node))
      if (this.#isJoined(node)) return bounded(this.#sum(node, intervals));
    const interval = intervals.get(node) ?? this.#plan.constantIntervals.get(node);
    const size = magnitude(interval as Interval).map((v) => v + TINY);
    return { size, roundings: 0, other: error ?? zeros(size.length), underflow: 0 };
  }

  /** The sum that a node computes. */
  #sum(node: Value, intervals: ReadonlyMap<Value, Interval>): Sum {
    const inputs = node.inputs.map((input) => this.#inputOf(input, intervals));
    const sizes = inputs.map(({ size }) => size);
    const others = inputs.map(({ other }) => other);
    if (node.op === "Neg") return inputs[0];
    // A fused kernel may compute one sum and then add the products of the other to it, one after the other. So a summand is
    // rounded as often as both sums have roundings, and not only as the longer of them.
    const before = inputs.reduce((total, { roundings }) => total + roundings, 0);
    if (node.op === "Add" || node.op === "Sub") {
      const addition = g.add(node.inputs[0], node.inputs[1]);
      const size = applied(addition, sizes);
      const underflow = up(inputs[0].underflow + inputs[1].underflow);
      return { size, roundings: before + 4, other: applied(addition, others), underflow };
    }
    const size = applied(node, sizes);
    const other = errorOfProduct(node, sizes, others, size.length);
    if (node.op === "Mul")
      return { size, roundings: before + 4, other, underflow: underflowOfScaled(inputs) };
    const largest = this.#largestProducts(node, intervals);
    const underflow = UNDERFLOW * largest;
    if (!(largest < LARGEST))
      return { size, roundings: Number.POSITIVE_INFINITY, other, underflow };
    const roundings = termsOf(node) + EXTRA;
    if (!is(node, "Conv") || !hasWinograd(node) || !this.#evaluation.winograd(sizesOf(node)))
      return { size, roundings, other, underflow };
    const transformed = winogradSize(node, sizes);
    const factor = gamma(node.inputs[1].shape[1] + TRANSFORMS, "float32");
    const least = gamma(roundings, "float32");
    const more = transformed.map((v, i) => Math.max(0, up(factor * v) - least * size[i]));
    return { size, roundings, other: plus(other, more), underflow };
  }

  /** A bound of the sum of a node's products, wherever the scales before it are multiplied: behind it, or into the weights. */
  #largestProducts(node: Value, intervals: ReadonlyMap<Value, Interval>): number {
    const isProduct = computedBy(this.#plan, node)?.op === "MatMul" && node.op === "ReduceSum";
    const factors = isProduct ? node.inputs[0].inputs : node.inputs;
    let largest = termsOf(node);
    for (const factor of factors) largest *= this.#largestBefore(factor, intervals);
    return largest;
  }

  /** The largest magnitude of a value and of those that it is scaled from, times the scales that are above 1; at least 1. */
  #largestBefore(value: Value, intervals: ReadonlyMap<Value, Interval>): number {
    const sizeOf = (one: Value): number => {
      const interval = intervals.get(one) ?? this.#plan.constantIntervals.get(one);
      return largestOf(magnitude(interval as Interval));
    };
    let [largest, scales] = [sizeOf(value), 1];
    for (let y = value; PASSED.has(y.op) && !this.#plan.is(y); ) {
      const free = y.inputs.filter((input) => !this.#plan.is(input));
      if (free.length > 1) break;
      for (const input of y.inputs) if (this.#plan.is(input)) scales *= sizeOf(input);
      [y] = free;
      largest = Math.max(largest, sizeOf(y));
    }
    return largest * scales;
  }
}

/** The largest of numbers that are not negative, at least 1. */
const largestOf = (values: Float64Array): number =>
  values.reduce((largest, v) => Math.max(largest, v), 1);

/** What a sum loses to underflow once it is scaled by a constant. */
const underflowOfScaled = (inputs: readonly Sum[]): number => {
  let total = 0;
  for (const [i, { underflow }] of inputs.entries())
    if (underflow > 0) total += up(underflow * largestOf(inputs[1 - i].size));
  return total;
};

/** Operators that a scale can be moved across, to the other side of a sum of products. */
const PASSED: ReadonlySet<string> = new Set([
  "Mul",
  "Neg",
  "Reshape",
  "StopGradient",
  "Transpose",
  "Expand",
]);

/** A sum that others go on with; one that may overflow in float32 has no bound, however small it is made afterwards. */
const bounded = (sum: Sum): Sum =>
  sum.size.every((v) => v < LARGEST) ? sum : { ...sum, roundings: Number.POSITIVE_INFINITY };

/** The relative error of the sum that a Softmax divides by. */
const errorOfSoftmaxSum = ({ shape, attrs: { axis } }: Value<"Softmax">): number =>
  gamma(shape[axis] + EXTRA, "float32");

/** The error of a function of one number, from the largest |y| of its exact values; infinite where float32 may overflow. */
const errorOfKernel = (exact: Interval, error: (y: number) => number): Float64Array =>
  magnitude(exact).map((y) => (y < LARGEST ? error(y) : Number.POSITIVE_INFINITY));
