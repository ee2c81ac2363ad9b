// Interval arithmetic for every operator (Gowal et al. 2018, arXiv:1810.12715), in double precision with outward rounding.

import type { NdArray, Shape } from "../../math/tensor.ts";
import { evaluateNode } from "../graph/interpret.ts";
import { broadcastTo } from "../graph/interpret-arrays.ts";
import { node as makeNode, realNumbersOf } from "../graph/ops.ts";
import type { Op, Value } from "../graph/value.ts";
import { type ElementaryOp, elementary, valuesOn } from "./elementary.ts";
import { type Interval, intervalOf, isPoint, magnitude, pointInterval } from "./interval.ts";
import { logSoftmaxInterval, softmaxInterval } from "./interval-softmax.ts";
import { convolved, multiplied } from "./interval-sums.ts";
import { down, gamma, up } from "./rounding.ts";
import { withoutBound } from "./unsupported.ts";

/** The interval of y = op(inputs), given the intervals of its inputs. */
type IntervalRule<O extends Op> = (y: Value<O>, inputs: readonly Interval[]) => Interval;

type Range = readonly [number, number];
const WHOLE: Range = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

const asArray = (shape: Shape, data: Float64Array): NdArray => ({ dtype: "float64", shape, data });

/** The interval broadcast to `shape`. */
function widened(x: Interval, shape: Shape): Interval {
  const over = (data: Float64Array) =>
    broadcastTo(asArray(x.shape, data), shape).data as Float64Array;
  const lower = over(x.lower);
  return { shape, lower, upper: isPoint(x) ? lower : over(x.upper) };
}

const unary =
  <O extends Op>(f: (low: number, high: number) => Range): IntervalRule<O> =>
  ({ shape }, [x]) =>
    intervalOf(shape, x.lower.length, (i) => f(x.lower[i], x.upper[i]));

const binary =
  <O extends Op>(
    f: (a: number, aHigh: number, b: number, bHigh: number) => Range,
  ): IntervalRule<O> =>
  ({ shape }, inputs) => {
    const [a, b] = inputs.map((input) => widened(input, shape));
    return intervalOf(shape, a.lower.length, (i) =>
      f(a.lower[i], a.upper[i], b.lower[i], b.upper[i]),
    );
  };

const smooth = (op: ElementaryOp) => unary<ElementaryOp>((a, b) => valuesOn(elementary[op], a, b));

/** A function that never decreases and that doubles compute exactly. */
const exact = <O extends Op>(f: (x: number) => number): IntervalRule<O> =>
  unary((low, high) => [f(low), f(high)]);

/** An operator that moves, chooses or repeats elements: it maps both bounds alike, exactly. */
const moved = <O extends Op>(y: Value<O>, inputs: readonly Interval[]): Interval => {
  const { op, attrs, shape } = y;
  const inDoubles = makeNode(op, y.inputs, attrs, "float64", shape);
  const of = (bound: "lower" | "upper") =>
    evaluateNode(
      inDoubles,
      inputs.map((x, i) =>
        y.inputs[i].dtype === "int64" && i > 0 ? integers(x) : asArray(x.shape, x[bound]),
      ),
    ).data as Float64Array;
  const lower = of("lower");
  return { shape, lower, upper: inputs.every(isPoint) ? lower : of("upper") };
};

const integers = ({ shape, lower }: Interval): NdArray => ({
  dtype: "int64",
  shape,
  data: BigInt64Array.from(lower, (value) => BigInt(value)),
});

/** A sum with weights that are not negative: both bounds by the interpreter, which adds in doubles, and its rounding. */
const weightedSum = <O extends Op>(y: Value<O>, [x]: readonly Interval[], terms: number) => {
  const { op, attrs, shape } = y;
  const inDoubles = makeNode(op, y.inputs, attrs, "float64", shape);
  const of = (data: Float64Array) =>
    evaluateNode(inDoubles, [asArray(x.shape, data)]).data as Float64Array;
  const size = of(magnitude(x));
  const factor = gamma(4 * (terms + 8), "float64");
  const [lower, upper] = [of(x.lower), of(x.upper)];
  const error = size.map((s) => up(factor * s) + Number.MIN_VALUE * terms);
  return intervalOf(shape, lower.length, (i) => [
    down(lower[i] - error[i]),
    up(upper[i] + error[i]),
  ]);
};

/** An operator whose result is known only if its inputs are. */
const onlyOfPoints = <O extends Op>(y: Value<O>, inputs: readonly Interval[]): Interval => {
  if (!inputs.every(isPoint))
    throw withoutBound(y, "depends on the image, and no bound is known for it");
  return pointInterval(
    evaluateNode(
      y as Value,
      y.inputs.map(({ dtype }, i) => {
        const { shape, lower } = inputs[i];
        if (dtype === "int64") return integers(inputs[i]);
        const data = dtype === "float32" ? Float32Array.from(lower) : lower;
        return { dtype: dtype === "float32" ? "float32" : "float64", shape, data } as NdArray;
      }),
    ),
  );
};

const extremes = (values: readonly number[]): Range =>
  values.some(Number.isNaN) ? WHOLE : [down(Math.min(...values)), up(Math.max(...values))];

const product = (a: number, aHigh: number, b: number, bHigh: number): Range => {
  if ((a === 0 && aHigh === 0) || (b === 0 && bHigh === 0)) return [0, 0];
  if (a === aHigh && (a === 1 || a === -1)) return a === 1 ? [b, bHigh] : [-bHigh, -b];
  if (b === bHigh && (b === 1 || b === -1)) return b === 1 ? [a, aHigh] : [-aHigh, -a];
  return extremes([a * b, a * bHigh, aHigh * b, aHigh * bHigh]);
};

const quotient = (a: number, aHigh: number, b: number, bHigh: number): Range =>
  b > 0 || bHigh < 0 ? extremes([a / b, a / bHigh, aHigh / b, aHigh / bHigh]) : WHOLE;

/** aᵇ for one whole exponent, or for a positive base; otherwise unbounded. */
function power(a: number, aHigh: number, b: number, bHigh: number): Range {
  if (b === bHigh && Number.isInteger(b) && b >= 0 && b <= 64) {
    if (b === 0) return [1, 1];
    const slack = (x: number) => Math.abs(x) * 2 ** -44 + Number.MIN_VALUE;
    const [p, q] = [a ** b, aHigh ** b];
    const top = Math.max(p, q);
    const low = b % 2 === 0 && a <= 0 && aHigh >= 0 ? 0 : Math.min(p, q);
    return [low === 0 ? 0 : down(low - slack(low)), up(top + slack(top))];
  }
  if (b === 0.5 && bHigh === 0.5) return valuesOn(elementary.Sqrt, a, aHigh);
  if (!(a > 0)) return WHOLE;
  const [low, high] = product(...valuesOn(elementary.Log, a, aHigh), b, bHigh);
  return valuesOn(elementary.Exp, low, high);
}

const isInteger = ({ dtype }: Value): boolean => !dtype.startsWith("float");

/** One rule per source operator. The type makes an operator without a rule a compile error. */
export const intervalRules: { readonly [O in Op]: IntervalRule<O> } = {
  Input: (y) => {
    throw withoutBound(y, "is an input without bounds");
  },
  Constant: ({ attrs: { array }, shape }) => {
    const reals = realNumbersOf(array);
    if (reals === undefined) return pointInterval(array);
    const { values, errors } = reals;
    return intervalOf(shape, values.length, (i) =>
      errors[i] === 0
        ? [values[i], values[i]]
        : [down(values[i] - errors[i]), up(values[i] + errors[i])],
    );
  },
  Add: binary((a, aHigh, b, bHigh) => [sumDown(a, b), sumUp(aHigh, bHigh)]),
  Sub: binary((a, aHigh, b, bHigh) => [sumDown(a, -bHigh), sumUp(aHigh, -b)]),
  Mul: (y, inputs) =>
    y.inputs[0] === y.inputs[1]
      ? unary<"Mul">((low, high) => power(low, high, 2, 2))(y, inputs)
      : binary<"Mul">(product)(y, inputs),
  Div: (y, inputs) => (isInteger(y) ? onlyOfPoints(y, inputs) : binary<"Div">(quotient)(y, inputs)),
  Neg: unary((low, high) => [-high, -low]),
  Exp: smooth("Exp"),
  Log: smooth("Log"),
  Sqrt: smooth("Sqrt"),
  Tanh: smooth("Tanh"),
  Sigmoid: smooth("Sigmoid"),
  Erf: smooth("Erf"),
  Sin: smooth("Sin"),
  Cos: smooth("Cos"),
  Atan: smooth("Atan"),
  Relu: exact((x) => Math.max(x, 0)),
  Abs: unary((low, high) => [Math.max(0, low, -high), Math.max(-low, high)]),
  Sign: exact(Math.sign),
  Floor: exact(Math.floor),
  Ceil: exact(Math.ceil),
  // Any choice at ties: both neighbours count.
  Round: unary((low, high) => [Math.ceil(low - 0.5), Math.floor(high + 0.5)]),
  Pow: binary(power),
  Max: binary((a, aHigh, b, bHigh) => [Math.max(a, b), Math.max(aHigh, bHigh)]),
  Min: binary((a, aHigh, b, bHigh) => [Math.min(a, b), Math.min(aHigh, bHigh)]),
  Clip: (y, inputs) => {
    const { low, high } = y.attrs;
    return exact<"Clip">((x) => Math.min(Math.max(x, low), high))(y, inputs);
  },
  Greater: binary((a, aHigh, b, bHigh) => [a > bHigh ? 1 : 0, aHigh > b ? 1 : 0]),
  Equal: binary((a, aHigh, b, bHigh) => [
    a === aHigh && b === bHigh && a === b ? 1 : 0,
    a <= bHigh && b <= aHigh ? 1 : 0,
  ]),
  And: binary((a, aHigh, b, bHigh) => [Math.min(a, b), Math.min(aHigh, bHigh)]),
  Or: binary((a, aHigh, b, bHigh) => [Math.max(a, b), Math.max(aHigh, bHigh)]),
  Not: unary((low, high) => [1 - high, 1 - low]),
  Where: ({ shape }, inputs) => {
    const [c, a, b] = inputs.map((input) => widened(input, shape));
    return intervalOf(shape, a.lower.length, (i) => {
      if (c.lower[i] === 1) return [a.lower[i], a.upper[i]];
      if (c.upper[i] === 0) return [b.lower[i], b.upper[i]];
      return [Math.min(a.lower[i], b.lower[i]), Math.max(a.upper[i], b.upper[i])];
    });
  },
  // Real arithmetic: a conversion between floats changes nothing.
  Cast: (y, inputs) => {
    const { to } = y.attrs;
    if (to.startsWith("float"))
      return { shape: y.shape, lower: inputs[0].lower, upper: inputs[0].upper };
    return to === "bool" ? onlyOfPoints(y, inputs) : exact<"Cast">(Math.trunc)(y, inputs);
  },
  StopGradient: (_, [x]) => x,
  StraightThrough: (_, [y]) => y,
  MatMul: (y, [a, b]) => multiplied(y as Value, a, b),
  Softmax: (y, [x]) => softmaxInterval(x, y.attrs.axis),
  LogSoftmax: (y, [x]) => logSoftmaxInterval(x, y.attrs.axis),
  ReduceSum: (y, inputs) => weightedSum(y, inputs, inputs[0].lower.length),
  ReduceMax: moved,
  Reshape: ({ shape }, [x]) => ({ shape, lower: x.lower, upper: x.upper }),
  Transpose: moved,
  Expand: ({ shape }, [x]) => widened(x, shape),
  Slice: moved,
  Concat: moved,
  Pad: moved,
  Gather: (y, inputs) => (isPoint(inputs[1]) ? moved(y, inputs) : onlyOfPoints(y, inputs)),
  GatherElements: (y, inputs) => (isPoint(inputs[1]) ? moved(y, inputs) : onlyOfPoints(y, inputs)),
  ScatterAdd: onlyOfPoints,
  ArgMax: onlyOfPoints,
  TopKIndices: onlyOfPoints,
  MaxPoolIndices: onlyOfPoints,
  MaxPool: moved,
  AveragePool: (y, inputs) => weightedSum(y, inputs, y.attrs.kernel[0] * y.attrs.kernel[1]),
  Conv: (y, [x, w]) => convolved(y as Value, x, w, y.attrs),
  ConvInputGradient: onlyOfPoints,
  ConvWeightGradient: onlyOfPoints,
};

const sumDown = (a: number, b: number): number => (a === 0 || b === 0 ? a + b : down(a + b));
const sumUp = (a: number, b: number): number => (a === 0 || b === 0 ? a + b : up(a + b));

/** The interval of a node, given the intervals of its inputs. Throws `UsageError` if no bound is known. */
export const intervalOfNode = (node: Value, inputs: readonly Interval[]): Interval =>
  (intervalRules as Record<Op, IntervalRule<never>>)[node.op](node as never, inputs);
