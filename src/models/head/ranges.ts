// Interval arithmetic on the last operators of an expression.

import { is, type Op, type Value } from "../../engine/graph/value.ts";
import { elementCount } from "../../math/tensor.ts";
import { constantArray, isSame, withNumber } from "./constants.ts";

/** Bounds on all elements of a value; ±∞ if unknown. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

const UNKNOWN: Range = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
const SHARE: Range = { low: 0, high: 1 };

/** The maximum number of operators to look through; deeper values are unknown. */
const MAX_DEPTH = 24;

const range = (low: number, high: number): Range => ({ low, high });

/** The range of a monotone function of one value. */
const mapped = ({ low, high }: Range, f: (x: number) => number): Range => range(f(low), f(high));

/** a · b, with 0 · ∞ = 0: an infinite bound still bounds finite elements. */
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

function product(a: Range, b: Range): Range {
  const ends = [
    times(a.low, b.low),
    times(a.low, b.high),
    times(a.high, b.low),
    times(a.high, b.high),
  ];
  return range(Math.min(...ends), Math.max(...ends));
}

/** The range of 1/x; unknown if x changes its sign. */
function reciprocal({ low, high }: Range): Range {
  if (low >= 0) return range(1 / high, low === 0 ? Number.POSITIVE_INFINITY : 1 / low);
  if (high <= 0) return range(high === 0 ? Number.NEGATIVE_INFINITY : 1 / high, 1 / low);
  return UNKNOWN;
}

const union = (...all: readonly Range[]): Range =>
  range(Math.min(...all.map(({ low }) => low)), Math.max(...all.map(({ high }) => high)));

type RangeOf = (value: Value) => Range;

/** x / (x + y) and x / Σ x lie in [0, 1], x / (|x| + y) in [−1, 1], for x, y ≥ 0. */
function quotient({ inputs: [a, b] }: Value, of: RangeOf): Range {
  const top = of(a);
  const isSum = is(b, "ReduceSum") || (is(b, "Expand") && is(b.inputs[0], "ReduceSum"));
  const terms = is(b, "Add") ? b.inputs : [];
  const rest = terms.find((_, i) => isSame(terms[1 - i], a));
  if (top.low >= 0 && rest !== undefined && of(rest).low >= 0) return SHARE;
  const sum = is(b, "Expand") ? b.inputs[0] : b;
  if (top.low >= 0 && isSum && isSame(sum.inputs[0], a)) return SHARE;
  const size = terms.find((term) => is(term, "Abs") && isSame(term.inputs[0], a));
  if (size !== undefined && of(terms[size === terms[0] ? 1 : 0]).low >= 0) return range(-1, 1);
  return product(top, reciprocal(of(b)));
}

function powerOf(value: Value, of: RangeOf): Range {
  const operands = withNumber(value);
  if (operands === null) return UNKNOWN;
  const { x, c, first } = operands;
  const { low, high } = of(x);
  if (!first) return c > 0 ? range(0, Number.POSITIVE_INFINITY) : UNKNOWN;
  if (low >= 0 && c >= 0) return range(low ** c, high ** c);
  return c % 2 === 0 || low >= 0 ? range(0, Number.POSITIVE_INFINITY) : UNKNOWN;
}

/** One rule per operator; the range of other operators is unknown. */
const rules: { readonly [O in Op]?: (value: Value<O>, of: RangeOf) => Range } = {
  Sigmoid: () => SHARE,
  Softmax: () => SHARE,
  LogSoftmax: () => range(Number.NEGATIVE_INFINITY, 0),
  Tanh: () => range(-1, 1),
  Erf: () => range(-1, 1),
  Sin: () => range(-1, 1),
  Cos: () => range(-1, 1),
  Sign: () => range(-1, 1),
  Atan: () => range(-Math.PI / 2, Math.PI / 2),
  Exp: ({ inputs: [x] }, of) => mapped(of(x), Math.exp),
  Log: ({ inputs: [x] }, of) => mapped(of(x), (v) => Math.log(Math.max(v, 0))),
  Sqrt: ({ inputs: [x] }, of) => mapped(of(x), (v) => Math.sqrt(Math.max(v, 0))),
  Relu: ({ inputs: [x] }, of) => mapped(of(x), (v) => Math.max(v, 0)),
  Round: ({ inputs: [x] }, of) => mapped(of(x), Math.round),
  Floor: ({ inputs: [x] }, of) => mapped(of(x), Math.floor),
  Ceil: ({ inputs: [x] }, of) => mapped(of(x), Math.ceil),
  Neg: ({ inputs: [x] }, of) => range(-of(x).high, -of(x).low),
  Abs: ({ inputs: [x] }, of) => {
    const { low, high } = of(x);
    const largest = Math.max(Math.abs(low), Math.abs(high));
    return range(low > 0 || high < 0 ? Math.min(Math.abs(low), Math.abs(high)) : 0, largest);
  },
  Clip: ({ inputs: [x], attrs: { low, high } }, of) =>
    mapped(of(x), (v) => Math.min(Math.max(v, low), high)),
  Add: ({ inputs: [a, b] }, of) => range(of(a).low + of(b).low, of(a).high + of(b).high),
  Sub: ({ inputs: [a, b] }, of) => range(of(a).low - of(b).high, of(a).high - of(b).low),
  Mul: ({ inputs: [a, b] }, of) => {
    const found = product(of(a), of(b));
    return isSame(a, b) ? range(Math.max(found.low, 0), found.high) : found;
  },
  Div: quotient,
  Pow: powerOf,
  Max: ({ inputs: [a, b] }, of) =>
    range(Math.max(of(a).low, of(b).low), Math.max(of(a).high, of(b).high)),
  Min: ({ inputs: [a, b] }, of) =>
    range(Math.min(of(a).low, of(b).low), Math.min(of(a).high, of(b).high)),
  Where: ({ inputs: [, a, b] }, of) => union(of(a), of(b)),
  Cast: ({ inputs: [x], dtype }, of) => {
    if (x.dtype === "bool") return SHARE;
    return dtype.startsWith("float") ? of(x) : mapped(of(x), Math.trunc);
  },
  StraightThrough: ({ inputs: [y] }, of) => of(y),
  StopGradient: ({ inputs: [x] }, of) => of(x),
  ReduceSum: (value, of) => {
    const [x] = value.inputs;
    const count = elementCount(x.shape) / elementCount(value.shape);
    return mapped(of(x), (v) => times(count, v));
  },
  ReduceMax: ({ inputs: [x] }, of) => of(x),
  Reshape: ({ inputs: [x] }, of) => of(x),
  Transpose: ({ inputs: [x] }, of) => of(x),
  Expand: ({ inputs: [x] }, of) => of(x),
  Slice: ({ inputs: [x] }, of) => of(x),
  Gather: ({ inputs: [x] }, of) => of(x),
  GatherElements: ({ inputs: [x] }, of) => of(x),
  Concat: ({ inputs }, of) => union(...inputs.map(of)),
};

/** Bounds on all elements of `value`. An undefined bound (NaN) counts as unknown. */
export function rangeOf(value: Value, depth = MAX_DEPTH, seen = new Map<Value, Range>()): Range {
  const cached = seen.get(value);
  if (cached !== undefined) return cached;
  const { low, high } = boundsOf(value, depth, seen);
  const bounds = {
    low: Number.isNaN(low) ? UNKNOWN.low : low,
    high: Number.isNaN(high) ? UNKNOWN.high : high,
  };
  seen.set(value, bounds);
  return bounds;
}

function boundsOf(value: Value, depth: number, seen: Map<Value, Range>): Range {
  if (is(value, "Constant")) {
    const data = constantArray(value)?.data;
    if (data === undefined || data.length === 0) return UNKNOWN;
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const one of data) {
      low = Math.min(low, Number(one));
      high = Math.max(high, Number(one));
    }
    return range(low, high);
  }
  const rule = rules[value.op] as ((value: Value, of: RangeOf) => Range) | undefined;
  if (rule === undefined || depth === 0) return UNKNOWN;
  return rule(value, (input) => rangeOf(input, depth - 1, seen));
}
