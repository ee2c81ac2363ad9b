// Finds the scores behind the probabilities of several classes.

import * as g from "../../engine/graph/expressions.ts";
import { is, type Value } from "../../engine/graph/value.ts";
import { relocatedAxis } from "./axes.ts";
import { bare } from "./constants.ts";
import { logOf } from "./log-probabilities.ts";
import { rangeOf } from "./ranges.ts";
import { pairScores } from "./two-classes.ts";
import { type Scores, type Step, undoStep } from "./undo-step.ts";

/** Scores whose order in each row is that of the file's probabilities. */
export interface UndoneRows extends Scores {
  /** Names of the removed operators, the outermost first. */
  readonly removed: readonly string[];
  /** Whether the scores are logarithms of probabilities, because there are no logits behind them. */
  readonly isLogarithm: boolean;
  /** Whether a clip ties classes: values are then the file's, and only gradients are taken before the clip. */
  readonly isSaturated: boolean;
}

const unchanged = ({ value, axis }: Scores): UndoneRows => ({
  value,
  axis,
  removed: [],
  isLogarithm: false,
  isSaturated: false,
});

/** All steps that can be undone, the outermost first. */
function stepsFrom(scores: Scores): Step[] {
  const steps: Step[] = [];
  for (let next = undoStep(scores); next !== null; next = undoStep(next)) steps.push(next);
  return steps;
}

/** The number of steps to undo: to the last one that harms gradients, and the shifts directly behind it. */
function headLength(steps: readonly Step[]): number {
  let count = steps.findLastIndex(({ isHead }) => isHead) + 1;
  while (count > 0 && steps[count]?.isShift) count++;
  return count;
}

const signOf = (steps: readonly Step[]): number =>
  steps.reduce((product, { sign }) => product * sign, 1);

interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** Moves bounds on the result of a step to its argument; null if the step depends on the whole row. */
function boundsBefore({ low, high }: Bounds, { map, isArrangement }: Step): Bounds | null {
  if (map === null) return isArrangement ? { low, high } : null;
  const ends = [map.cut(low), map.cut(high)];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

/**
 * Whether a clip cannot tie the two largest classes: at most one probability of a distribution is above ½, and one is at
 * least 1/classes. `steps` are the steps behind the clip.
 */
function isHarmless(clip: Bounds, steps: readonly Step[], classes: number): boolean {
  let bounds: Bounds | null = clip;
  for (const step of steps) {
    if (bounds === null || step.sign === -1) return false;
    if (step.name === "LogSoftmax")
      return Math.exp(bounds.low) <= 1 / classes && Math.exp(bounds.high) >= 0.5;
    if (step.isDistribution) return bounds.low <= 1 / classes && bounds.high >= 0.5;
    bounds = boundsBefore(bounds, step);
  }
  return false;
}

/** The index of the first step that ties classes whose scores differ before it; −1 if there is none. */
function tieIndex(steps: readonly Step[], classes: number): number {
  return steps.findIndex(({ map }, i) => {
    if (map === null || map.flat === null) return false;
    return map.name !== "Clip" || !isHarmless(map.flat, steps.slice(i + 1), classes);
  });
}

/** A value times the sign. */
const signed = (value: Value, sign: number): Value => (sign < 0 ? g.neg(value) : value);

/** The scores behind a selection or a permutation of the classes; null for other values. */
function behindSelection({ value, axis }: Scores): UndoneRows | null {
  if (!is(value, "Slice") && !is(value, "Gather")) return null;
  const [x] = value.inputs;
  const isAlongClasses = is(value, "Gather")
    ? value.attrs.axis === axis && value.inputs[1].shape.length === 1
    : value.shape.every((n, i) => i === axis || n === x.shape[i]);
  const undone = isAlongClasses ? undoneRows({ value: x, axis }) : null;
  if (undone === null || undone.removed.length === 0) return null;
  const place = undone.axis;
  if (is(value, "Gather"))
    return { ...undone, value: g.gather(undone.value, value.inputs[1], place) };
  const { starts, stops, steps } = value.attrs;
  const selected = g.sliceAxis(undone.value, place, starts[axis], stops[axis], steps[axis]);
  return { ...undone, value: selected };
}

/** The scores [0, z] behind [1 − p, p] with p a function of one score z; null for other values. */
function behindPair({ value, axis }: Scores): UndoneRows | null {
  if (!is(value, "Concat") || value.attrs.axis !== axis || value.shape[axis] !== 2) return null;
  const [first, second] = value.inputs;
  const found = value.inputs.length === 2 ? pairScores(first, second) : null;
  if (found === null) return null;
  const parts = found.scores.map((one) => g.reshape(one, first.shape));
  return {
    value: g.concat(parts, axis),
    axis,
    removed: ["[1 − p, p]"].concat(found.removed),
    isLogarithm: found.isLogarithm,
    isSaturated: false,
  };
}

/**
 * The logarithms of probabilities that are not monotone maps of one score per class; null if they have no stable form.
 */
function logarithms({ value, axis }: Scores, isNormalised: boolean): UndoneRows | null {
  if (rangeOf(value).low < 0 || !value.dtype.startsWith("float")) return null;
  // A softmax that was not undone is over another axis than the classes.
  if (is(bare(value), "Softmax")) return null;
  const found = logOf(value);
  if (!found.isStable && !isNormalised) return null;
  return { ...unchanged({ value: found.value, axis }), isLogarithm: true };
}

/**
 * The scores behind probabilities, in the same order in each row; scores that are not probabilities are returned
 * unchanged.
 */
export function undoneRows(scores: Scores): UndoneRows {
  const steps = stepsFrom(scores);
  const count = headLength(steps);
  const end = steps.at(-1) ?? scores;
  const isNormalised =
    count > 0 && count === steps.length && steps[count - 1].name === "Normalizer";
  const deeper = behindSelection(end) ?? behindPair(end) ?? logarithms(end, isNormalised);
  const taken = deeper === null ? steps.slice(0, count) : steps;
  if (taken.length === 0 && deeper === null) return unchanged(scores);
  const base = deeper ?? unchanged(taken[taken.length - 1]);
  const removed = [...taken.flatMap(({ name }) => name ?? []), ...base.removed];
  const value = signed(base.value, signOf(taken));
  const undone = { ...base, value, removed };
  const tie = tieIndex(taken, scores.value.shape[scores.axis]);
  return tie < 0
    ? undone
    : withClippedValues(undone, taken[tie - 1] ?? scores, signOf(taken.slice(0, tie)));
}

/** The values of clipped scores with the gradients of the scores before the clip. */
function withClippedValues(undone: UndoneRows, clip: Scores, sign: number): UndoneRows {
  const { shape } = undone.value;
  if (relocatedAxis(clip.value.shape, clip.axis, shape) !== undone.axis) return undone;
  const values = g.cast(g.reshape(signed(clip.value, sign), shape), undone.value.dtype);
  return { ...undone, value: g.straightThrough(values, undone.value), isSaturated: true };
}
