// Scores of several classes: what does not change their order within a row, and what is taken off for it.

import { is, type Value } from "../../engine/graph/value.ts";
import { isPerRow, relocatedAxis } from "./axes.ts";
import { bare, constantNumber, isSame } from "./constants.ts";
import { rangeOf } from "./ranges.ts";
import type { ScoreMap } from "./score-map.ts";
import { mapOf } from "./score-maps.ts";

/** Scores with their classes on `axis`; several values of other axes are other examples. */
export interface Scores {
  readonly value: Value;
  readonly axis: number;
}

/** One step back through a map that keeps the order of the classes in each row (`sign` 1), or turns it around (−1). */
export interface Step extends Scores {
  readonly sign: 1 | -1;
  /** What was undone; null for what goes without saying. */
  readonly name: string | null;
  /** Whether it normalises or saturates, so that scores before it are better for gradients. */
  readonly isHead: boolean;
  /** Whether it only arranges elements. */
  readonly isArrangement: boolean;
  /** Whether it adds a number of the row to all of its classes. */
  readonly isShift: boolean;
  /** Whether results in a row are non-negative and add up to one. */
  readonly isDistribution: boolean;
  readonly map: ScoreMap | null;
}

const step = (scores: Scores, more: Partial<Omit<Step, keyof Scores>> = {}): Step => ({
  value: scores.value,
  axis: scores.axis,
  sign: more.sign ?? 1,
  name: more.name ?? null,
  isHead: more.isHead ?? false,
  isArrangement: more.isArrangement ?? false,
  isShift: more.isShift ?? false,
  isDistribution: more.isDistribution ?? false,
  map: more.map ?? null,
});

/** An operand that is the same for all classes of a row; one that was expanded, before that. */
function perRow(operand: Value, to: Value, axis: number): Value | null {
  if (isPerRow(operand.shape, to.shape, axis)) return operand;
  if (!is(operand, "Expand")) return null;
  return isPerRow(operand.inputs[0].shape, to.shape, axis) ? operand.inputs[0] : null;
}

/** The operand that holds the classes, the one that is the same for all of them, and whether the classes come first. */
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

/** The sum behind a divisor that is kept from zero by a small number. */
function sumBehind(divisor: Value): Value {
  const inner = bare(divisor);
  if (is(inner, "Clip") && inner.attrs.low < 1e-5) return sumBehind(inner.inputs[0]);
  if (!is(inner, "Max") && !is(inner, "Add")) return inner;
  const [a, b] = inner.inputs;
  const [low, high] = [rangeOf(a), rangeOf(b)];
  if (low.low >= 0 && low.high < 1e-5) return sumBehind(b);
  return high.low >= 0 && high.high < 1e-5 ? sumBehind(a) : inner;
}

/** Whether r is log Σ eˣ, in any of its forms. */
function isLogSum(r: Value, depth = 6): boolean {
  const inner = bare(r);
  if (is(inner, "Log")) {
    const sum = sumBehind(inner.inputs[0]);
    return is(sum, "ReduceSum") && is(bare(sum.inputs[0]), "Exp");
  }
  if (depth === 0 || !(is(inner, "Add") || is(inner, "Sub"))) return false;
  return inner.inputs.some((input) => isLogSum(input, depth - 1));
}

/** What a row is divided by: the divisor of a quotient, and of a product with c / divisor. */
function divisorOf({ op }: Value, row: Value): Value | null {
  if (op === "Div") return row;
  const factor = bare(row);
  const c = is(factor, "Div") ? constantNumber(factor.inputs[0]) : null;
  return c !== null && c > 0 ? factor.inputs[1] : null;
}

/** Whether a value is |x| or x². */
const isSizeOf = (value: Value, x: Value): boolean =>
  (is(value, "Abs") && isSame(value.inputs[0], x)) ||
  (is(value, "Mul") && value.inputs.every((input) => isSame(input, x))) ||
  (is(value, "Pow") && constantNumber(value.inputs[1]) === 2 && isSame(value.inputs[0], x));

/** How a divisor belongs to x: it is its sum, or its largest element or a norm; null for a number of another kind. */
function ownDivisor(divisor: Value, x: Value): "sum" | "norm" | null {
  const inner = sumBehind(divisor);
  if (is(inner, "Sqrt")) return ownDivisor(inner.inputs[0], x);
  if (is(inner, "Where")) return ownDivisor(inner.inputs[2], x) === null ? null : "norm";
  if (!is(inner, "ReduceSum") && !is(inner, "ReduceMax")) return null;
  const [summed] = inner.inputs;
  if (is(inner, "ReduceSum") && isSame(summed, x)) return "sum";
  if (is(inner, "ReduceSum") && is(summed, "Abs") && isSizeOf(summed, x)) return "sum";
  return isSame(summed, x) || isSizeOf(summed, x) ? "norm" : null;
}

/** x scaled by a number of its row: written-out softmax of an exponential over its sum, or a normalised score. */
function scaleStep(scores: Scores): Step | null {
  const found = split(scores);
  if (found === null || (is(scores.value, "Div") && !found.first)) return null;
  const { x, row, axis } = found;
  const { low, high } = rangeOf(row);
  if (low < 0 && high > 0) return null;
  const sign = low >= 0 ? 1 : -1;
  const divisor = divisorOf(scores.value, row);
  const own = divisor === null ? null : ownDivisor(divisor, x);
  // Scales of another kind, as of a quantiser, leave scores as good as they were.
  if (own === null) return step({ value: x, axis }, { sign });
  const isDistribution = own === "sum" && rangeOf(x).low >= 0;
  const exponential = bare(x);
  const place = is(exponential, "Exp") ? relocatedAxis(x.shape, axis, exponential.shape) : null;
  if (place !== null && isDistribution)
    return step(
      { value: exponential.inputs[0], axis: place },
      { sign, name: "Softmax", isHead: true, isDistribution },
    );
  return step({ value: x, axis }, { sign, name: "Normalizer", isHead: true, isDistribution });
}

/** x plus a number of its row. */
function shiftStep(scores: Scores): Step | null {
  const found = split(scores);
  if (found === null) return null;
  const { x, row, first, axis } = found;
  const isHead = isLogSum(row);
  const name = isHead ? "LogSoftmax" : null;
  const sign = is(scores.value, "Sub") && !first ? -1 : 1;
  return step({ value: x, axis }, { sign, name, isHead, isShift: true });
}

/** Maps that saturate in float32, or that make a logarithm infinite. */
const saturating = new Set([
  "Sigmoid",
  "HardSigmoid",
  "Tanh",
  "Erf",
  "Atan",
  "Softsign",
  // A log-sigmoid is one of −z.
  "Softplus",
  "x / (x + c)",
  "odds",
]);

/** Maps that leave classes tied over a wide range, which a network may mean. */
const stepped = new Set(["Relu", "Sign", "Round", "cut-off"]);

/** The same monotone map of every class. */
function mapStep({ value, axis }: Scores): Step | null {
  const map = mapOf(value);
  if (map === null || stepped.has(map.name ?? "")) return null;
  const place = relocatedAxis(value.shape, axis, map.inner.shape);
  if (place === null) return null;
  const isHead = saturating.has(map.name ?? "");
  return step(
    { value: map.inner, axis: place },
    { sign: map.direction, name: map.name, isHead, map },
  );
}

/** The step back from scores; null where they are no monotone function of others, class by class. */
export function stepFrom(scores: Scores): Step | null {
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
