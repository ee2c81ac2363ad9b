// Recognises the monotone maps that files apply to their scores: one rule per operator, with its inverse.

import { is, type Op, type Value } from "../../engine/graph/value.ts";
import { normalQuantile } from "../../math/special.ts";
import { elementCount } from "../../math/tensor.ts";
import { constantNumber, isSame, withNumber } from "./constants.ts";
import { fallingSigmoid, odds, share, softplus, softsign } from "./quotients.ts";
import { rangeOf } from "./ranges.ts";
import { cutBetween, INFINITY, type ScoreMap, scoreMap, signOf } from "./score-map.ts";

const logit = (p: number): number => Math.log(p / (1 - p));

/** erf(x) = 2 Φ(√2 x) − 1. */
const erfInverse = (y: number): number => normalQuantile((1 + y) / 2) / Math.SQRT2;

/** The smallest normal float32: x ≥ 0 exactly if x > −TINY. */
const TINY = 1.2e-38;

/**
 * The `cut` of truncation: trunc(x) > t from the next integer on, or, if that is at most 0, after the integer before it.
 */
function cutOfTruncation(t: number): number {
  const next = Math.floor(t) + 1;
  return next > 0 ? next - Math.max(next * 2 ** -25, TINY) : next - 1;
}

/** c / x for x of one sign. */
function reciprocal(c: number, x: Value): ScoreMap | null {
  const { low, high } = rangeOf(x);
  if (c === 0 || (low < 0 && high > 0)) return null;
  const [side, direction] = [low >= 0 ? 1 : -1, signOf(-c)];
  // f has the sign of c·x, so for t of the other sign f(x) > t holds always or never.
  const cut = (t: number) => {
    if (t === 0 || signOf(t) !== signOf(c * side))
      return (c * side > 0 ? -direction : direction) * INFINITY;
    return c / t;
  };
  return scoreMap(x, null, direction, cut);
}

function quotient(value: Value): ScoreMap | null {
  const named =
    fallingSigmoid(constantNumber(value.inputs[0]), value.inputs[1]) ??
    share(value) ??
    softsign(value) ??
    odds(value);
  if (named !== null) return named;
  const operands = withNumber(value);
  if (operands === null) return null;
  const { x, c, first } = operands;
  if (!first) return reciprocal(c, x);
  return c === 0 ? null : scoreMap(x, null, signOf(c), (t) => t * c);
}

function sum(value: Value): ScoreMap | null {
  const operands = withNumber(value);
  if (operands === null) return softplus(value);
  return scoreMap(operands.x, null, 1, (t) => t - operands.c);
}

function difference(value: Value): ScoreMap | null {
  const operands = withNumber(value);
  if (operands === null) return null;
  const { x, c, first } = operands;
  return first ? scoreMap(x, null, 1, (t) => t + c) : scoreMap(x, null, -1, (t) => c - t);
}

function product(value: Value): ScoreMap | null {
  const { inputs } = value;
  if (isSame(inputs[0], inputs[1]) && rangeOf(inputs[0]).low >= 0)
    return scoreMap(inputs[0], "square", 1, cutBetween(0, INFINITY, Math.sqrt));
  const operands = withNumber(value);
  if (operands === null || operands.c === 0) return null;
  return scoreMap(operands.x, null, signOf(operands.c), (t) => t / operands.c);
}

function power(value: Value): ScoreMap | null {
  const operands = withNumber(value);
  if (operands === null) return null;
  const { x, c, first } = operands;
  if (!first) {
    if (c <= 0 || c === 1) return null;
    const logarithm = (t: number) => Math.log(t) / Math.log(c);
    return scoreMap(x, "Exp", signOf(c - 1), cutBetween(0, INFINITY, logarithm, signOf(c - 1)));
  }
  if (c === 0 || rangeOf(x).low < 0) return null;
  return scoreMap(
    x,
    "Pow",
    signOf(c),
    cutBetween(0, INFINITY, (t) => t ** (1 / c), signOf(c)),
  );
}

/** Clip to [low, high]; a clip of a·x + b to [0, 1] is a hard sigmoid. */
function clipped(x: Value, low: number, high: number): ScoreMap {
  const isOpen = !Number.isFinite(low) || !Number.isFinite(high);
  const cut = (t: number) => {
    if (t < low) return -INFINITY;
    return t >= high ? INFINITY : t;
  };
  const shifted = is(x, "Add") ? withNumber(x) : null;
  const scaled = shifted !== null && is(shifted.x, "Mul") ? withNumber(shifted.x) : null;
  const flat = { low, high };
  if (low === 0 && high === 1 && shifted !== null && scaled !== null && scaled.c !== 0) {
    const [a, b] = [scaled.c, shifted.c];
    const ends = [(low - b) / a, (high - b) / a].sort((p, q) => p - q);
    const inverse = cutBetween(0, 1, (t) => (t - b) / a, signOf(a));
    return scoreMap(scaled.x, "HardSigmoid", signOf(a), inverse, {
      middle: 0.5,
      flat: { low: ends[0], high: ends[1] },
    });
  }
  return scoreMap(x, "Clip", 1, cut, { middle: isOpen ? null : (low + high) / 2, flat });
}

/** The maximum or minimum of a score and a number: a clip on one side. */
function bounded(value: Value): ScoreMap | null {
  const operands = withNumber(value);
  if (operands === null) return null;
  return is(value, "Max")
    ? clipped(operands.x, operands.c, INFINITY)
    : clipped(operands.x, -INFINITY, operands.c);
}

/** One rule per operator; null if this value is not a monotone map of one score. */
const rules: { readonly [O in Op]?: (value: Value<O>) => ScoreMap | null } = {
  Neg: ({ inputs: [x] }) => scoreMap(x, null, -1, (t) => -t),
  Exp: ({ inputs: [x] }) => scoreMap(x, "Exp", 1, cutBetween(0, INFINITY, Math.log)),
  Log: ({ inputs: [x] }) => scoreMap(x, "Log", 1, Math.exp),
  Sqrt: ({ inputs: [x] }) =>
    scoreMap(
      x,
      "Sqrt",
      1,
      cutBetween(0, INFINITY, (t) => t * t),
    ),
  Sigmoid: ({ inputs: [x] }) => scoreMap(x, "Sigmoid", 1, cutBetween(0, 1, logit), { middle: 0.5 }),
  Tanh: ({ inputs: [x] }) => scoreMap(x, "Tanh", 1, cutBetween(-1, 1, Math.atanh), { middle: 0 }),
  Erf: ({ inputs: [x] }) => scoreMap(x, "Erf", 1, cutBetween(-1, 1, erfInverse), { middle: 0 }),
  Atan: ({ inputs: [x] }) =>
    scoreMap(x, "Atan", 1, cutBetween(-Math.PI / 2, Math.PI / 2, Math.tan), { middle: 0 }),
  Relu: ({ inputs: [x] }) => ({ ...clipped(x, 0, INFINITY), name: "Relu" }),
  Clip: ({ inputs: [x], attrs: { low, high } }) => clipped(x, low, high),
  Max: bounded,
  Min: bounded,
  Sign: ({ inputs: [x] }) =>
    scoreMap(
      x,
      "Sign",
      1,
      cutBetween(-1, 1, (t) => (t < 0 ? -TINY : 0)),
      {
        middle: 0,
        flat: { low: 0, high: 0 },
      },
    ),
  // Halves round to even, so 0.5 becomes 0.
  Round: ({ inputs: [x] }) =>
    scoreMap(x, "Round", 1, (t) => Math.floor(t) + 0.5, { flat: { low: 0, high: 0 } }),
  Cast: ({ inputs: [x], dtype }) => {
    if (!x.dtype.startsWith("float")) return null;
    if (dtype.startsWith("float")) return scoreMap(x, null, 1, (t) => t);
    return /^u?int/.test(dtype)
      ? scoreMap(x, "cut-off", 1, cutOfTruncation, { flat: { low: 0, high: 0 } })
      : null;
  },
  Add: sum,
  Sub: difference,
  Mul: product,
  Div: quotient,
  Pow: power,
};

/** The monotone map that computes a value, the same for all elements; null for anything else. */
export function scoreMapOf(value: Value): ScoreMap | null {
  const rule = rules[value.op] as ((value: Value) => ScoreMap | null) | undefined;
  const map = rule === undefined ? null : rule(value);
  // A constant with several elements can broadcast one score to several values.
  return map !== null && elementCount(map.inner.shape) === elementCount(value.shape) ? map : null;
}
