// log p for probabilities p that are not monotone maps of one score each: mixtures, ensembles, products of experts.
// Turns sums into log-sum-exp, so that a saturated probability keeps its gradient.

import * as g from "../../engine/graph/expressions.ts";
import { is, type Op, type Value } from "../../engine/graph/value.ts";
import { complement } from "./complement.ts";
import { constantArray, constantNumber, withNumber } from "./constants.ts";
import { rangeOf } from "./ranges.ts";
import { scoreMapOf } from "./score-maps.ts";

/** A logarithm in the shape of its argument; stable if its expression avoids computing the probability first. */
export interface Logarithm {
  readonly value: Value;
  readonly isStable: boolean;
}

/** Probabilities are clipped here, near the smallest normal float32. */
const TINY = 1e-38;
/** Replaces log 0 = −∞, whose differences would be NaN. */
const LOG_ZERO = -1e30;
/** The maximum number of operators to look through. */
const MAX_DEPTH = 32;

const plainLog = (value: Value): Logarithm => ({
  value: g.log(g.clip(value, TINY, Number.POSITIVE_INFINITY)),
  isStable: false,
});

const stable = (value: Value): Logarithm => ({ value, isStable: true });

/** log σ(x) = −log(1 + e^−x) = min(x, 0) − log(1 + e^−|x|). */
function logSigmoid(x: Value): Value {
  const zero = g.scalarLike(x, 0);
  const tail = g.log(g.add(g.exp(g.neg(g.abs(x))), g.scalarLike(x, 1)));
  return g.sub(g.minimum(x, zero), tail);
}

/** log(eᵃ + eᵇ) = max + log(1 + e^−|a − b|). */
function logAdd(a: Value, b: Value): Value {
  const gap = g.neg(g.abs(g.sub(a, b)));
  return g.add(g.maximum(a, b), g.log(g.add(g.exp(gap), g.scalarLike(a, 1))));
}

/** log Σ eˣ over `axes`, with the maximum taken out. */
function logSum(x: Value, axes: readonly number[], keepdims: boolean): Value {
  const top = g.stopGradient(g.max(x, axes, true));
  const shifted = g.log(g.sum(g.exp(g.sub(x, top)), axes, true));
  const sum = g.add(shifted, top);
  return keepdims
    ? sum
    : g.reshape(
        sum,
        x.shape.filter((_, axis) => !axes.includes(axis)),
      );
}

function logConstant(value: Value): Value | null {
  const array = constantArray(value);
  if (array === null || !value.dtype.startsWith("float")) return null;
  const logarithms = Float64Array.from(array.data as ArrayLike<number>, (p) =>
    p > 0 ? Math.log(p) : LOG_ZERO,
  );
  return g.cast(
    g.constant({ dtype: "float64", shape: array.shape, data: logarithms }),
    value.dtype,
  );
}

type LogOf = (value: Value) => Logarithm;

/** f of logarithms; stable if one of them is. */
function combined(values: readonly Logarithm[], f: (logs: readonly Value[]) => Value): Logarithm {
  return {
    value: f(values.map(({ value }) => value)),
    isStable: values.some(({ isStable }) => isStable),
  };
}

/** The rule of an operator f that only rearranges: log f(x) = f(log x). */
const rearranged =
  (f: (x: Value) => Value) =>
  (x: Value, of: LogOf): Logarithm =>
    combined([of(x)], ([log]) => f(log));

/** One rule per operator whose logarithm has a better form; null if this value has none. */
const rules: { readonly [O in Op]?: (value: Value<O>, of: LogOf) => Logarithm | null } = {
  Softmax: ({ inputs: [x], attrs: { axis } }) => stable(g.logSoftmax(x, axis)),
  Sigmoid: ({ inputs: [x] }) => stable(logSigmoid(x)),
  Exp: ({ inputs: [x] }) => stable(x),
  Add: ({ inputs: [a, b] }, of) => combined([of(a), of(b)], ([p, q]) => logAdd(p, q)),
  Sub: ({ inputs: [a, b] }, of) => {
    const c = constantNumber(a);
    const rest = c === null ? null : complement(b, c);
    return rest === null ? null : of(rest);
  },
  Mul: ({ inputs: [a, b] }, of) => combined([of(a), of(b)], ([p, q]) => g.add(p, q)),
  Div: (value, of) => {
    const map = scoreMapOf(value);
    // A sigmoid written out as 1 / (1 + e^−x).
    if (map?.name === "Sigmoid" && map.middle === 0.5)
      return stable(logSigmoid(map.direction === 1 ? map.inner : g.neg(map.inner)));
    return combined([of(value.inputs[0]), of(value.inputs[1])], ([p, q]) => g.sub(p, q));
  },
  Sqrt: ({ inputs: [x] }, of) => combined([of(x)], ([log]) => g.mul(log, g.scalarLike(log, 0.5))),
  Pow: (value, of) => {
    const operands = withNumber(value);
    if (operands === null || !operands.first) return null;
    const { x, c } = operands;
    return combined([of(x)], ([log]) => g.mul(log, g.scalarLike(log, c)));
  },
  Clip: ({ inputs: [x], attrs: { low, high } }, of) => {
    if (rangeOf(x).low < 0) return null;
    return combined([of(x)], ([log]) =>
      g.clip(log, low > 0 ? Math.log(low) : Number.NEGATIVE_INFINITY, Math.log(high)),
    );
  },
  Max: ({ inputs: [a, b] }, of) => combined([of(a), of(b)], ([p, q]) => g.maximum(p, q)),
  Min: ({ inputs: [a, b] }, of) => combined([of(a), of(b)], ([p, q]) => g.minimum(p, q)),
  Where: ({ inputs: [condition, a, b] }, of) =>
    combined([of(a), of(b)], ([p, q]) => g.where(condition, p, q)),
  ReduceSum: ({ inputs: [x], attrs: { axes, keepdims } }, of) =>
    combined([of(x)], ([log]) => logSum(log, axes, keepdims)),
  ReduceMax: ({ inputs: [x], attrs: { axes, keepdims } }, of) =>
    rearranged((log) => g.max(log, axes, keepdims))(x, of),
  Reshape: ({ inputs: [x], shape }, of) => rearranged((log) => g.reshape(log, shape))(x, of),
  Expand: ({ inputs: [x], shape }, of) => rearranged((log) => g.expand(log, shape))(x, of),
  Cast: ({ inputs: [x], dtype }, of) =>
    x.dtype.startsWith("float") ? rearranged((log) => g.cast(log, dtype))(x, of) : null,
  Transpose: ({ inputs: [x], attrs: { perm } }, of) =>
    rearranged((log) => g.transpose(log, perm))(x, of),
  Slice: ({ inputs: [x], attrs }, of) => rearranged((log) => g.slice(log, attrs))(x, of),
  Gather: ({ inputs: [x, indices], attrs: { axis } }, of) =>
    rearranged((log) => g.gather(log, indices, axis))(x, of),
  Concat: ({ inputs, attrs: { axis } }, of) =>
    combined(inputs.map(of), (logs) => g.concat(logs, axis)),
  // log(p · W) = log(e^(log p − top) · W) + top, for the non-negative weights W of a mixture.
  MatMul: ({ inputs: [p, w] }, of) => {
    const array = constantArray(w);
    if (array === null || rangeOf(w).low < 0) return null;
    return combined([of(p)], ([log]) => {
      const top = g.stopGradient(g.max(log, [log.shape.length - 1], true));
      const mixed = g.matmul(g.exp(g.sub(log, top)), w);
      return g.add(g.log(g.clip(mixed, TINY, Number.POSITIVE_INFINITY)), top);
    });
  },
};

/** The logarithm of each element of a non-negative value. */
export function logOf(
  value: Value,
  depth = MAX_DEPTH,
  seen = new Map<Value, Logarithm>(),
): Logarithm {
  const cached = seen.get(value);
  if (cached !== undefined) return cached;
  const constant = logConstant(value);
  const logarithm =
    constant === null ? logOfOperator(value, depth, seen) : { value: constant, isStable: false };
  seen.set(value, logarithm);
  return logarithm;
}

function logOfOperator(value: Value, depth: number, seen: Map<Value, Logarithm>): Logarithm {
  const rule = rules[value.op] as ((value: Value, of: LogOf) => Logarithm | null) | undefined;
  // A rule takes logarithms of the inputs, so these must be non-negative: log(a + b) with b < 0 has no rule.
  const isOpen = depth > 0 && value.inputs.every((input) => isTerm(value, input));
  const logarithm = isOpen ? rule?.(value, (input) => logOf(input, depth - 1, seen)) : null;
  return logarithm?.isStable ? logarithm : plainLog(value);
}

const isTerm = (value: Value, input: Value): boolean =>
  is(value, "Softmax") ||
  is(value, "Sigmoid") ||
  is(value, "Exp") ||
  !input.dtype.startsWith("float") ||
  rangeOf(input).low >= 0;
