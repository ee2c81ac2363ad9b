// Undoes one operator on scores of several classes, if it keeps or reverses their order in each row.

import { is, type Value } from "../../engine/graph/value.ts";
import { isPerRow, relocatedAxis } from "./axes.ts";
import { bare, constantNumber, isSame } from "./constants.ts";
import { rangeOf } from "./ranges.ts";
import type { ScoreMap } from "./score-map.ts";
import { scoreMapOf } from "./score-maps.ts";

/** Scores [.., classes, ..] with their classes on `axis`; the other axes hold examples. */
export interface Scores {
  readonly value: Value;
  readonly axis: number;
}

/** The scores before an operator that keeps the order of the classes in each row (`sign` 1) or reverses it (−1). */
export interface Step extends Scores {
  readonly sign: 1 | -1;
  /** The operator for messages; null for those that messages omit. */
  readonly name: string | null;
  /** Whether the operator normalises or saturates, so that scores before it have better gradients. */
  readonly isHead: boolean;
  /** Whether the operator only rearranges elements. */
  readonly isArrangement: boolean;
  /** Whether the operator adds one number per row to all of its classes. */
  readonly isShift: boolean;
  /** Whether the results of a row are non-negative and add up to one. */
  readonly isDistribution: boolean;
  /** The map of each element; null for operators on whole rows. */
  readonly map: ScoreMap | null;
}

const step = (scores: Scores, traits: Partial<Omit<Step, keyof Scores>> = {}): Step => ({
  value: scores.value,
  axis: scores.axis,
  sign: traits.sign ?? 1,
  name: traits.name ?? null,
  isHead: traits.isHead ?? false,
  isArrangement: traits.isArrangement ?? false,
  isShift: traits.isShift ?? false,
  isDistribution: traits.isDistribution ?? false,
  map: traits.map ?? null,
});

/** An operand with one number per row, inside its expansion; null for other operands. */
function perRow(operand: Value, to: Value, axis: number): Value | null {
  if (isPerRow(operand.shape, to.shape, axis)) return operand;
  if (!is(operand, "Expand")) return null;
  return isPerRow(operand.inputs[0].shape, to.shape, axis) ? operand.inputs[0] : null;
}

/**
 * Splits the operands of scores into x, which holds the classes, and `row`, with one number per row; `first` if x comes
 * first.
 */
function split({ value, axis }: Scores) {
  const [a, b] = value.inputs;
  const isWhole = (x: Value) =>
    relocatedAxis(x.shape, axis - (value.shape.length - x.shape.length), value.shape) === axis;
  for (const [x, other, first] of [
    [a, b, true],
    [b, a, false],
  ] as const) {
    const row = perRow(other, value, axis);
    if (row !== null && isWhole(x))
      return { x, row, first, axis: axis - (value.shape.length - x.shape.length) };
  }
  return null;
}

/** The sum inside a divisor that a small number keeps away from zero. */
function sumBehind(divisor: Value): Value {
  const inner = bare(divisor);
  if (is(inner, "Clip") && inner.attrs.low < 1e-5) return sumBehind(inner.inputs[0]);
  if (!is(inner, "Max") && !is(inner, "Add")) return inner;
  const [a, b] = inner.inputs;
  const [low, high] = [rangeOf(a), rangeOf(b)];
  if (low.low >= 0 && low.high < 1e-5) return sumBehind(b);
  return high.low >= 0 && high.high < 1e-5 ? sumBehind(a) : inner;
}

/** Whether a value is log Σ eˣ, in any of its forms. */
function isLogSum(r: Value, depth = 6): boolean {
  const inner = bare(r);
  if (is(inner, "Log")) {
    const sum = sumBehind(inner.inputs[0]);
    return is(sum, "ReduceSum") && is(bare(sum.inputs[0]), "Exp");
  }
  if (depth === 0 || !(is(inner, "Add") || is(inner, "Sub"))) return false;
  return inner.inputs.some((input) => isLogSum(input, depth - 1));
}

/** The divisor of a quotient, or of a product with c / divisor. */
function divisorOf({ op }: Value, row: Value): Value | null {
  if (op === "Div") return row;
  const factor = bare(row);
  const c = is(factor, "Div") ? constantNumber(factor.inputs[0]) : null;
  return c !== null && c > 0 ? factor.inputs[1] : null;
}

/** Whether a value is |x| or x². */
const isMagnitudeOf = (value: Value, x: Value): boolean =>
  (is(value, "Abs") && isSame(value.inputs[0], x)) ||
  (is(value, "Mul") && value.inputs.every((input) => isSame(input, x))) ||
  (is(value, "Pow") && constantNumber(value.inputs[1]) === 2 && isSame(value.inputs[0], x));

/** How x is normalised by a divisor: by its sum, or by a norm or its largest element; null for other divisors. */
function normalization(divisor: Value, x: Value): "sum" | "norm" | null {
  const inner = sumBehind(divisor);
  if (is(inner, "Sqrt")) return normalization(inner.inputs[0], x);
  if (is(inner, "Where")) return normalization(inner.inputs[2], x) === null ? null : "norm";
  if (!is(inner, "ReduceSum") && !is(inner, "ReduceMax")) return null;
  const [summed] = inner.inputs;
  if (is(inner, "ReduceSum") && isSame(summed, x)) return "sum";
  if (is(inner, "ReduceSum") && is(summed, "Abs") && isMagnitudeOf(summed, x)) return "sum";
  return isSame(summed, x) || isMagnitudeOf(summed, x) ? "norm" : null;
}

/** Undoes a scale per row: a softmax written out as an exponential over its sum, or a normalisation. */
function scaleStep(scores: Scores): Step | null {
  const operands = split(scores);
  if (operands === null || (is(scores.value, "Div") && !operands.first)) return null;
  const { x, row, axis } = operands;
  const { low, high } = rangeOf(row);
  if (low < 0 && high > 0) return null;
  const sign = low >= 0 ? 1 : -1;
  const divisor = divisorOf(scores.value, row);
  const kind = divisor === null ? null : normalization(divisor, x);
  // Other scales, such as those of a quantiser, do not harm gradients.
  if (kind === null) return step({ value: x, axis }, { sign });
  const isDistribution = kind === "sum" && rangeOf(x).low >= 0;
  const exponential = bare(x);
  const place = is(exponential, "Exp") ? relocatedAxis(x.shape, axis, exponential.shape) : null;
  if (place !== null && isDistribution)
    return step(
      { value: exponential.inputs[0], axis: place },
      { sign, name: "Softmax", isHead: true, isDistribution },
    );
  return step({ value: x, axis }, { sign, name: "Normalizer", isHead: true, isDistribution });
}

/** Undoes the addition of one number per row. */
function shiftStep(scores: Scores): Step | null {
  const operands = split(scores);
  if (operands === null) return null;
  const { x, row, first, axis } = operands;
  const isHead = isLogSum(row);
  const name = isHead ? "LogSoftmax" : null;
  const sign = is(scores.value, "Sub") && !first ? -1 : 1;
  return step({ value: x, axis }, { sign, name, isHead, isShift: true });
}

/** Maps that saturate in float32, or whose logarithm can be infinite. */
const saturating = new Set([
  "Sigmoid",
  "HardSigmoid",
  "Tanh",
  "Erf",
  "Atan",
  "Softsign",
  // A log-sigmoid of z is −Softplus(−z).
  "Softplus",
  "x / (x + c)",
  "odds",
]);

/** Maps that tie classes over a wide range, which may be intended. */
const stepped = new Set(["Relu", "Sign", "Round", "cut-off"]);

/** Undoes a monotone map of each element. */
function mapStep({ value, axis }: Scores): Step | null {
  const map = scoreMapOf(value);
  if (map === null || stepped.has(map.name ?? "")) return null;
  const place = relocatedAxis(value.shape, axis, map.inner.shape);
  if (place === null) return null;
  const isHead = saturating.has(map.name ?? "");
  return step(
    { value: map.inner, axis: place },
    { sign: map.direction, name: map.name, isHead, map },
  );
}

/** The scores before the last operator; null if that operator may change the order of the classes. */
export function undoStep(scores: Scores): Step | null {
  const { value, axis } = scores;
  if (is(value, "Softmax") || is(value, "LogSoftmax"))
    return value.attrs.axis === axis
      ? step(
          { value: value.inputs[0], axis },
          { name: value.op, isHead: true, isDistribution: is(value, "Softmax") },
        )
      : null;
  if (is(value, "Transpose")) return step({ value: value.inputs[0], axis: value.attrs.perm[axis] });
  if (is(value, "Reshape") || is(value, "Expand")) {
    const place = relocatedAxis(value.shape, axis, value.inputs[0].shape);
    return place === null
      ? null
      : step({ value: value.inputs[0], axis: place }, { isArrangement: true });
  }
  const map = mapStep(scores);
  if (map !== null) return map;
  if (is(value, "Div") || is(value, "Mul")) return scaleStep(scores);
  return is(value, "Add") || is(value, "Sub") ? shiftStep(scores) : null;
}
