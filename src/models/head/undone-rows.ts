// Probabilities of several classes as the scores that they were made of.

import * as g from "../../engine/graph/expressions.ts";
import { is, type Value } from "../../engine/graph/value.ts";
import { relocatedAxis } from "./axes.ts";
import { bare } from "./constants.ts";
import { logOf } from "./log-probabilities.ts";
import { rangeOf } from "./ranges.ts";
import { pairScores } from "./two-classes.ts";
import { type Scores, type Step, stepFrom } from "./undo-step.ts";

/** Scores in the order of a file's probabilities, row by row. */
export interface UndoneRows extends Scores {
  /** Names of what was taken off, the outermost first. */
  readonly removed: readonly string[];
  /** Whether scores are logarithms of probabilities that have no logits of their own. */
  readonly isLogarithm: boolean;
  /** Whether a clip ties classes, so that the values are those of the file and only the gradients come from before it. */
  readonly isSaturated: boolean;
}

const untouched = ({ value, axis }: Scores): UndoneRows => ({
  value,
  axis,
  removed: [],
  isLogarithm: false,
  isSaturated: false,
});

/** All steps back from scores. */
function stepsFrom(scores: Scores): Step[] {
  const steps: Step[] = [];
  for (let next = stepFrom(scores); next !== null; next = stepFrom(next)) steps.push(next);
  return steps;
}

/** How many steps are taken: to the last head, and to the shifts of a row directly behind it. */
function headOf(steps: readonly Step[]): number {
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

/** Bounds on the result of a step as bounds on what it was made of; null where its whole row decides that. */
function boundsBefore({ low, high }: Bounds, { map, isArrangement }: Step): Bounds | null {
  if (map === null) return isArrangement ? { low, high } : null;
  const ends = [map.cut(low), map.cut(high)];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

/**
 * Whether a clip ties no two classes at the top: of probabilities that add up to one at most one is above ½, and one
 * reaches 1/classes. `steps` are those behind the clip.
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

/** The place of a step that ties classes which stood apart before it; −1 if there is none. */
function tieOf(steps: readonly Step[], classes: number): number {
  return steps.findIndex(({ map }, i) => {
    if (map === null || map.flat === null) return false;
    return map.name !== "Clip" || !isHarmless(map.flat, steps.slice(i + 1), classes);
  });
}

/** Scores of the other sign, [.., classes, ..]. */
const signed = (value: Value, sign: number): Value => (sign < 0 ? g.neg(value) : value);

/** Scores that part of the classes, or another order of them, was taken from. */
function chosenFrom({ value, axis }: Scores): UndoneRows | null {
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
  const taken = g.sliceAxis(undone.value, place, starts[axis], stops[axis], steps[axis]);
  return { ...undone, value: taken };
}

/** `[1 − p, p]` as [0, z], where p is a function of one score z. */
function pairFrom({ value, axis }: Scores): UndoneRows | null {
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

/** Logarithms of probabilities that are no monotone map of one score per class; null where their form shows none. */
function logarithms({ value, axis }: Scores, isNormalised: boolean): UndoneRows | null {
  if (rangeOf(value).low < 0 || !value.dtype.startsWith("float")) return null;
  // A softmax that is still there is over something else than classes.
  if (is(bare(value), "Softmax")) return null;
  const found = logOf(value);
  if (!found.isStable && !isNormalised) return null;
  return { ...untouched({ value: found.value, axis }), isLogarithm: true };
}

/** The scores, in the same order row by row, that probabilities were made of; scores that were none are as they were. */
export function undoneRows(scores: Scores): UndoneRows {
  const steps = stepsFrom(scores);
  const count = headOf(steps);
  const end = steps.at(-1) ?? scores;
  const isNormalised =
    count > 0 && count === steps.length && steps[count - 1].name === "Normalizer";
  const deeper = chosenFrom(end) ?? pairFrom(end) ?? logarithms(end, isNormalised);
  const taken = deeper === null ? steps.slice(0, count) : steps;
  if (taken.length === 0 && deeper === null) return untouched(scores);
  const base = deeper ?? untouched(taken[taken.length - 1]);
  const removed = [...taken.flatMap(({ name }) => name ?? []), ...base.removed];
  const value = signed(base.value, signOf(taken));
  const undone = { ...base, value, removed };
  const tie = tieOf(taken, scores.value.shape[scores.axis]);
  return tie < 0 ? undone : tied(undone, taken[tie - 1] ?? scores, signOf(taken.slice(0, tie)));
}

/** The values of clipped scores with the gradients of what was clipped. */
function tied(undone: UndoneRows, clip: Scores, sign: number): UndoneRows {
  const { shape } = undone.value;
  if (relocatedAxis(clip.value.shape, clip.axis, shape) !== undone.axis) return undone;
  const values = g.cast(g.reshape(signed(clip.value, sign), shape), undone.value.dtype);
  return { ...undone, value: g.straightThrough(values, undone.value), isSaturated: true };
}
