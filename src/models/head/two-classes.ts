// Turns one score into two classes: finds the threshold of the decision, and moves it to the logit behind the score.

import * as g from "../../engine/graph/expressions.ts";
import { is, type Value } from "../../engine/graph/value.ts";
import {
  affineOf,
  complement,
  otherEntries,
  plus,
  type SoftmaxEntry,
  softmaxEntry,
} from "./complement.ts";
import { bare, isSame } from "./constants.ts";
import { logOf } from "./log-probabilities.ts";
import { type Range, rangeOf } from "./ranges.ts";
import type { ScoreMap } from "./score-map.ts";
import { scoreMapOf } from "./score-maps.ts";

/** The two classes behind one score. */
export interface TwoClasses {
  /** Scores of class 0 and class 1, both in the shape of the given score; the larger one wins. */
  readonly scores: readonly [Value, Value];
  /** Names of the removed operators, the outermost first. */
  readonly removed: readonly string[];
  /** Whether the scores are logarithms of probabilities, because there are no logits behind them. */
  readonly isLogarithm: boolean;
  /** The decision rule in words: `probability 0.5`. */
  readonly rule: string;
  /** Class 1 wins if the remaining score is above (or below) the threshold; null if two scores are compared. */
  readonly decision: { readonly side: "above" | "below"; readonly threshold: number } | null;
  /** The file's value, one number per image, that decides: class 1 wins if the value is above (or below) t. */
  readonly decidedBy: { readonly value: Value; readonly t: number; readonly isAbove: boolean };
}

/** A value between the score and its logit, and the map that computes it. */
interface Link {
  readonly value: Value;
  readonly map: ScoreMap;
}

/** a > b, or a ≥ b if `orEqual`. */
interface Comparison {
  readonly a: Value;
  readonly b: Value;
  readonly orEqual: boolean;
}

/** The comparison that a boolean is: a > b, its negation, or "a > b or a = b"; null for any other boolean. */
function comparedBy(truth: Value): Comparison | null {
  const inner = bare(truth);
  if (is(inner, "Not")) {
    const negated = comparedBy(inner.inputs[0]);
    return negated === null ? null : { a: negated.b, b: negated.a, orEqual: !negated.orEqual };
  }
  if (is(inner, "Or")) {
    const [larger, equal] = inner.inputs.map((input) => bare(input));
    const strict = is(equal, "Equal") ? comparedBy(larger) : null;
    if (strict === null || !is(equal, "Equal")) return null;
    const isOfSame = [strict.a, strict.b].every((one) =>
      equal.inputs.some((input) => isSame(input, one)),
    );
    return isOfSame ? { a: strict.a, b: strict.b, orEqual: true } : null;
  }
  if (!is(inner, "Greater") || !inner.inputs[0].dtype.startsWith("float")) return null;
  const [a, b] = inner.inputs;
  return { a, b, orEqual: false };
}

/** The step function of a − b that a comparison of a and b is, as 1 or 0. */
function comparison(value: Value): ScoreMap | null {
  const isBoolean = is(value, "Cast") && value.inputs[0].dtype === "bool";
  const compared = isBoolean ? comparedBy(value.inputs[0]) : null;
  if (compared === null) return null;
  return {
    inner: g.sub(compared.a, compared.b),
    name: "comparison",
    direction: 1,
    // d ≥ 0 exactly if d > −1.2e-38, the largest normal float32 below 0.
    cut: () => (compared.orEqual ? -1.2e-38 : 0),
    middle: 0.5,
    flat: { low: 0, high: 0 },
  };
}

/** The value inside reshapes, transposes and expansions that only add, drop or move axes of length 1. */
function withoutArrangement(value: Value): Value {
  let inner = value;
  while (
    (is(inner, "Reshape") || is(inner, "Transpose") || is(inner, "Expand")) &&
    inner.inputs[0].shape.filter((n) => n > 1).join() === inner.shape.filter((n) => n > 1).join()
  )
    inner = inner.inputs[0];
  return inner;
}

/** The chain of maps that computes a score, the outermost first, and the value at its end. */
function chainOf(score: Value): { readonly links: readonly Link[]; readonly end: Value } {
  const links: Link[] = [];
  let value = withoutArrangement(score);
  for (;;) {
    const map = scoreMapOf(value) ?? comparison(value);
    if (map === null) return { links, end: value };
    links.push({ value, map });
    value = withoutArrangement(map.inner);
  }
}

/** A threshold t on the value at a place of the chain (0 is the score itself), and its rule in words. */
interface Threshold {
  readonly place: number;
  readonly t: number;
  readonly rule: string;
}

const isProbability = ({ low, high }: Range): boolean => low >= 0 && high <= 1;
const contains = ({ low, high }: Range, t: number): boolean => low < t && t < high;

/** Whether a clip outside of a probability makes everything on one side of ½ equal. */
function isCutOff(links: readonly Link[], probability: number): boolean {
  if (probability <= 0) return false;
  let t = 0.5;
  return links.toReversed().some(({ map }) => {
    if (map.name === "Clip" && map.flat !== null && (map.flat.low >= t || map.flat.high <= t))
      return true;
    if (map.name !== null) t = Number.NaN;
    return false;
  });
}

/** The threshold of a score: ½ for a probability, the middle of the interval for a map onto one, else 0. */
function thresholdOf(links: readonly Link[], end: Value): Threshold {
  const values = [...links.map(({ value }) => value), end];
  const ranges = values.map((value) => rangeOf(value));
  const half = { t: 0.5, rule: "probability 0.5" };
  const probability = ranges.findIndex((range) => isProbability(range) && contains(range, 0.5));
  // A probability clipped to one side of ½ has one decision only.
  if (isProbability(ranges[0]) && isCutOff(links.slice(0, probability), probability))
    return { place: 0, t: half.t, rule: half.rule };
  if (probability >= 0) return { place: probability, t: half.t, rule: half.rule };
  const onto = links.findLastIndex(({ map }) => map.middle !== null);
  if (onto >= 0) {
    const t = links[onto].map.middle as number;
    return { place: onto, t, rule: `the middle of ${links[onto].map.name}, ${t}` };
  }
  if (isProbability(ranges[0])) return { place: 0, t: 0.5, rule: "probability 0.5" };
  const isLogSigmoid = links[0]?.map.direction === -1 && links[1]?.map.name === "Softplus";
  if (ranges[0].high <= 0 && (is(values[0], "Log") || isLogSigmoid))
    return { place: 0, t: Math.log(0.5), rule: "log-probability log 0.5" };
  const rule = "nothing in the file says where it is decided";
  const place = moved(links, 0, 0, links.length).t === null ? links.length : 0;
  return { place, t: 0, rule };
}

/** A threshold moved to a value behind the score; `t` is null if all scores are on one side of it. */
interface Moved {
  readonly t: number | null;
  readonly isAbove: boolean;
  /** If `t` is null: whether class 1 wins for every score. */
  readonly isAlways: boolean;
}

/** Moves a threshold from one place of the chain to a later one. */
function moved(links: readonly Link[], place: number, threshold: number, stop: number): Moved {
  let isAbove = links.slice(0, place).filter(({ map }) => map.direction === -1).length % 2 === 0;
  let t = threshold;
  for (const { map } of links.slice(place, stop)) {
    t = map.cut(t);
    if (map.direction === -1) isAbove = !isAbove;
    if (!Number.isFinite(t)) return { t: null, isAbove, isAlways: isAbove === t < 0 };
  }
  return { t, isAbove, isAlways: false };
}

const real = (x: Value): Value => (x.dtype.startsWith("float") ? x : g.cast(x, "float32"));
const zeroLike = (x: Value): Value => g.mul(x, g.scalarLike(x, 0));
const shifted = (x: Value, by: number): Value => (by === 0 ? x : g.add(x, g.scalarLike(x, by)));
const ordered = (low: Value, high: Value, isAbove: boolean): readonly [Value, Value] =>
  isAbove ? [low, high] : [high, low];
const logit = (p: number): number => Math.log(p / (1 - p));

/**
 * The two classes of a softmax entry p at threshold t: log-sum-exp of the other logits, plus logit(t), and its own
 * logit.
 */
function entryScores(entry: SoftmaxEntry, t: number): readonly [Value, Value] {
  const { logits, axis, index } = entry;
  const rest = otherEntries(logits, entry);
  const logit1 = g.sliceAxis(logits, axis, index, index + 1);
  const joined = rest.shape[axis] === 1 ? rest : logOf(g.sum(g.exp(rest), [axis], true)).value;
  return [shifted(joined, logit(t)), logit1];
}

/** The two classes log(1 − p) + logit(t) and log p; null if log p has no stable form. */
function shareScores(p: Value, t: number): readonly [Value, Value] | null {
  const logP = logOf(p);
  if (!logP.isStable) return null;
  const rest = complement(p) ?? g.sub(g.scalarLike(p, 1), p);
  return [shifted(logOf(rest).value, logit(t)), logP.value];
}

/** The two classes of a probability that does not depend on a single score. */
interface Mixed {
  readonly pair: readonly [Value, Value];
  /** The removed operator; null if the scores are logarithms. */
  readonly name: string | null;
}

/** The two classes of such a probability at threshold t; null for any other value. */
function mixedScores(value: Value, { t }: Moved): Mixed | null {
  if (t === null || t <= 0 || t >= 1 || !isProbability(rangeOf(value))) return null;
  const entry = softmaxEntry(value);
  if (entry !== null && entry.logits.shape[entry.axis] > 1)
    return { pair: entryScores(entry, t), name: "Softmax" };
  // A softmax over one unit, or over another axis than the classes, is not a mixture.
  const pair = is(bare(value), "Softmax") ? null : shareScores(value, t);
  return pair === null ? null : { pair, name: null };
}

/** The last place of the chain with such a probability; null if a map onto an interval comes after it. */
function mixedFrom(links: readonly Link[], end: Value, { place, t }: Threshold) {
  const values = links.map(({ value }) => value).concat(end);
  for (let at = links.length; at >= place; at--) {
    if (links[at]?.map.middle !== undefined && links[at].map.middle !== null) return null;
    const threshold = moved(links, place, t, at);
    const mixed = mixedScores(values[at], threshold);
    if (mixed !== null)
      return { at, isAbove: threshold.isAbove, pair: mixed.pair, name: mixed.name };
  }
  return null;
}

/** The two classes behind a score with one number per image; finds the threshold unless it is given. */
export function twoClasses(score: Value, threshold?: Pick<Threshold, "t" | "rule">): TwoClasses {
  const { links, end } = chainOf(score);
  const at =
    threshold === undefined
      ? thresholdOf(links, end)
      : { place: 0, t: threshold.t, rule: threshold.rule };
  const { place, t, rule } = at;
  const values = links.map((link) => link.value).concat(end);
  const { isAbove } = moved(links, place, t, place);
  const decidedBy = { value: values[place], t, isAbove };
  const names = (count: number) => links.slice(0, count).flatMap(({ map }) => map.name ?? []);
  const mixed = mixedFrom(links, end, at);
  if (mixed !== null)
    return {
      scores: ordered(mixed.pair[0], mixed.pair[1], mixed.isAbove),
      removed: names(mixed.at).concat(mixed.name ?? []),
      isLogarithm: mixed.name === null,
      rule,
      decision: null,
      decidedBy,
    };
  const stop = stopOf(links, at);
  const decided = moved(links, place, t, stop);
  const score1 = signedScore(real(values[stop]), decided);
  return {
    scores: [zeroLike(score1), score1],
    removed: names(stop),
    isLogarithm: false,
    rule,
    decision:
      decided.t === null
        ? null
        : { side: decided.isAbove ? "above" : "below", threshold: decided.t },
    decidedBy,
  };
}

/**
 * The place of the chain that replaces the score: before the last map onto an interval, or its end for a probability
 * without one.
 */
function stopOf(links: readonly Link[], { place, t }: Threshold): number {
  const onto = links.findLastIndex(({ map }) => map.middle !== null);
  if (onto >= 0) return Math.max(place, onto + 1);
  return t === 0 ? place : links.length;
}

/** A score that is positive exactly if class 1 wins. */
function signedScore(value: Value, { t, isAbove, isAlways }: Moved): Value {
  if (t === null) return shifted(zeroLike(value), isAlways ? 1 : -1);
  if (isAbove) return shifted(value, -t);
  return t === 0 ? g.neg(value) : g.sub(g.scalarLike(value, t), value);
}

/**
 * The two classes of a pair that adds up to a constant, such as 1 − p and p, both of the same shape; null for other pairs,
 * and if no operator is removed.
 */
export function pairScores(first: Value, second: Value): TwoClasses | null {
  const { terms, offset } = plus(affineOf(first), affineOf(second));
  if (terms.some(({ weight }) => Math.abs(weight) > 1e-6)) return null;
  const half = offset / 2;
  const classes = twoClasses(second, { t: half, rule: `probability ${half}` });
  return classes.removed.length > 0 || classes.isLogarithm ? classes : null;
}
